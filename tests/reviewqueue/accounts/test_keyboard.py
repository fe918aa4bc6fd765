"""Keyboard shortcuts that people choose: which keys are allowed, conflicts, and unvalidated rows."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from reviewqueue.accounts import keyboard, preferences
from reviewqueue.accounts.keyboard import Keymap
from reviewqueue.kernel.errors import Invalid
from reviewqueue.models import Preferences, User
from tests.helpers import queue_items

BACKEND = "django.contrib.auth.backends.ModelBackend"

HOSTILE: list[Any] = [
    '"><script>alert(1)</script>', "' onfocus=alert(1) '", '"]', "<", ">", '"', "'", "&", "`", "\\", "a b", "ab", " ",
    "\0", "\n", "\t", "\u202e", "\u200b", "\u3164", "\u0301", "\ud800", "İ", "A", "+", "enter", None, 7, True, ["a"],
    {"a": "b"}, "x" * 5000, "javascript:alert(1)", "{{ 7*7 }}",
]  # fmt: skip
ROWS: list[Any] = [None, [], "a", 7, {"__proto__": "p"}, {"agree": {"$gt": ""}}, {"no such action": "p"}]


def test_by_default_no_two_actions_share_a_key() -> None:
    keys = Keymap()
    assert (keys["agree"], keys["answer_3"], keys["help"]) == ("a", "3", "?")
    assert len(set(keyboard.DEFAULT_KEYS.values())) == len(keyboard.DEFAULT_KEYS)
    assert keyboard.find_key_errors(keyboard.DEFAULT_KEYS) == {}


def test_a_chosen_key_replaces_the_default() -> None:
    keys = Keymap({"keep": "ж", "agree": "", "answer_1": "é"})
    assert keys.translate_defaults("k a") == "ж"
    assert keys.translate_defaults("1") == "é"
    assert keys.translate_defaults("a") == ""
    assert keys.translate_defaults("enter") == "enter"
    assert keys.translate_defaults("+ =") == "+ ="


def test_two_actions_can_swap_keys() -> None:
    keys = Keymap({"agree": "s", "pass": "a"})
    assert (keys["agree"], keys["pass"]) == ("s", "a")


def test_of_two_actions_with_the_same_key_the_changed_one_is_reset() -> None:
    keys = Keymap({"agree": "s", "none": "w"})
    assert (keys["agree"], keys["pass"], keys["none"]) == ("a", "s", "w")
    chain = Keymap({"agree": "s", "pass": "x", "none": "x"})
    assert len({chain[name] for name in keyboard.DEFAULT_KEYS}) == len(keyboard.DEFAULT_KEYS)


@pytest.mark.parametrize("key", HOSTILE, ids=repr)
def test_an_unvalidated_row_changes_at_most_plain_keys(key: Any) -> None:
    keys = Keymap({"agree": key})
    assert keys["agree"] == key if key in list("<>\"'&`\\") else keys["agree"] == "a"


@pytest.mark.parametrize("row", ROWS, ids=repr)
def test_a_row_of_another_shape_is_ignored(row: Any) -> None:
    assert all(Keymap(row)[name] == key for name, key in keyboard.DEFAULT_KEYS.items())


def test_only_changed_keys_are_stored_in_lower_case(rob: User) -> None:
    preferences.save_preferences(user=rob, keys={"agree": "É", "pass": "s", "none": ""})
    assert Preferences.objects.get().keys == {"agree": "é", "none": ""}


@pytest.mark.parametrize("key", ["ab", " ", "\u202e", "+", "\0", "e\u0301\u0301", "<b>"])
def test_an_invalid_key_is_refused_at_its_action(rob: User, key: str) -> None:
    with pytest.raises(Invalid) as refused:
        preferences.save_preferences(user=rob, keys={"agree": key})
    assert [error["pointer"] for error in refused.value.errors] == ["/keys/agree"]
    assert not Preferences.objects.exists()


def test_a_duplicate_key_is_refused_at_both_actions(rob: User) -> None:
    with pytest.raises(Invalid) as refused:
        preferences.save_preferences(user=rob, keys={"agree": "S"})
    told = {error["pointer"]: error["detail"] for error in refused.value.errors}
    assert "Pass to someone else" in told["/keys/agree"]
    assert "Agree with the AI" in told["/keys/pass"]


@pytest.mark.parametrize("key", HOSTILE[:10], ids=repr)
def test_a_hostile_stored_row_is_inert_on_the_desk(rob: User, key: str) -> None:
    Preferences.objects.create(user=rob, keys=dict.fromkeys(["agree", "note", "help", "guidelines"], key))
    html = _desk(rob)
    assert "<script>alert" not in html
    assert "onfocus" not in html
    assert 'data-key="a"' in html


@pytest.mark.parametrize("key", list("<>\"'&`\\"))
def test_markup_characters_can_be_keys_and_are_escaped(rob: User, key: str) -> None:
    preferences.save_preferences(user=rob, keys={"agree": key})
    html = _desk(rob)
    printed = re.findall(r'value="agree" data-key="([^"]*)"\s*>\s*<span', html)
    assert printed[0] in {"&lt;", "&gt;", "&quot;", "&#x27;", "&amp;", "`", "\\"}
    assert not re.search(r"<kbd>[<>\"']", html)


def test_every_action_shows_its_chosen_key_and_none_when_switched_off(rob: User) -> None:
    preferences.save_preferences(user=rob, keys={"agree": "ж", "pass": "", "note": "", "help": "!"})
    html = _desk(rob)
    assert re.search(r'value="agree" data-key="ж"\s*>.*?<kbd>Ж</kbd>', html, re.DOTALL)
    assert 'data-key="s"' not in html
    assert "<kbd>S</kbd>" not in html
    assert 'placeholder="Note"' in html
    assert 'data-key="!"' in html


def test_single_key_shortcuts_can_be_switched_off_on_the_desk(rob: User) -> None:
    client = _client(rob)
    assert client.post(reverse("desk-switch"), {"switch": "single_keys", "off": "1"}).status_code == 302
    assert not preferences.get_preferences(User.objects.get(pk=rob.pk)).single_keys
    assert re.search(r"data-keys-off checked", _desk(rob))
    client.post(reverse("desk-switch"), {"switch": "single_keys"})
    assert preferences.get_preferences(User.objects.get(pk=rob.pk)).single_keys
    assert client.post(reverse("desk-switch"), {"switch": "is_superuser"}).status_code == 400


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def _desk(user: User) -> str:
    queue_items.enqueue_items(1)
    return _client(user).get(reverse("desk", args=["intents"])).content.decode()
