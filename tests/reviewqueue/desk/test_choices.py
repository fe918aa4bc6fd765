"""The offered answers, their order and their shortcuts."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from reviewqueue.desk import choices, pairs
from reviewqueue.models import AnswerSchema, Queue, User
from tests.helpers import invoices, queue_items

pytestmark = pytest.mark.django_db
MANY = [f"intent_{number}" for number in range(77)]
TWO = {"candidates": ["A short answer.", "A long answer."]}


class _Pressed(HTMLParser):
    """What can be pressed on a page: its keys, by what it sends."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.keys: dict[tuple[str, str], list[str]] = {}
        self.label_keys: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        keys = found.get("data-key", "").split()
        if tag == "label":
            self.label_keys = keys
        if tag == "button" and "choice" in found.get("class", "").split():
            self.keys.setdefault((found.get("name", ""), found.get("value", "")), []).extend(keys)
        if tag == "input" and found.get("name") == "answers":
            self.keys.setdefault(("answers", found["value"]), []).extend(self.label_keys)

    def of(self, name: str, value: str) -> list[str]:
        return self.keys.get((name, value), [])


def _page(user: User) -> str:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client.get(reverse("desk", args=["intents"])).content.decode()


def _offered(queue: Queue, *answers: str, kind: str = "label", **fields: Any) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind=kind, answers=list(answers))
    queue_items.enqueue_items(1, schema_number=2, **{"alternatives": []} | fields)


def _order(html: str) -> list[str]:
    """The listed answers in the order of the page, whatever pressing them sends."""
    listed = html.partition("data-choices>")[2].partition("choices-row")[0]
    return re.findall(r'choice-label">([^<]*)<', listed)


def test_names_of_answers_are_shown_as_they_are_where_words_would_look_the_same(queue: Queue, rob: User) -> None:
    _offered(queue, "card_arrival", "Card arrival", "refund")
    assert _order(_page(rob)) == ["card_arrival", "Card arrival", "refund"]


@pytest.mark.parametrize(
    ("labels", "keys"),
    [
        (["a", "b"], ["1", "2"]),
        (["3", "1", "0"], ["3", "1", "0"]),
        ([*"abcdefghij"], [*"1234567890"]),
        ([*"abcdefghijk"], [*"1234567890", ""]),
        (["1", "12"], ["1", "2"]),
        (["\u0661", "2"], ["1", "2"]),
    ],
)
def test_answers_have_shortcuts_as_long_as_there_are_digits(labels: list[str], keys: list[str]) -> None:
    assert choices.assign_shortcuts(labels) == keys


def test_the_ais_suggestions_come_first_in_a_long_list(queue: Queue, rob: User) -> None:
    shares = [(MANY[5], 0.2), (MANY[70], 0.5), (MANY[30], 0.3), ("unheard of", 0.9)]
    alternatives = [{"answer": answer, "confidence": share} for answer, share in shares]
    _offered(queue, *MANY, proposal=MANY[70], alternatives=alternatives)
    html = _page(rob)
    assert _order(html)[:5] == ["Intent 70", "Intent 30", "Intent 5", "Intent 0", "Intent 1"]
    pressed = _Pressed(html)
    assert pressed.of("answer", MANY[30]) == ["2"]
    assert pressed.of("verdict", "agree") == ["a", "1"]
    assert len(_order(html)) == 77


def test_scores_for_every_answer_do_not_reorder_the_whole_list(queue: Queue, rob: User) -> None:
    alternatives = [{"answer": one, "confidence": place / 100} for place, one in enumerate(MANY)]
    _offered(queue, *MANY, proposal=MANY[76], alternatives=alternatives)
    order = _order(_page(rob))
    assert order[:9] == [f"Intent {number}" for number in range(76, 67, -1)]
    assert order[9:12] == ["Intent 0", "Intent 1", "Intent 2"]


def test_the_order_of_answers_reveals_nothing_answer_first(queue: Queue, rob: User) -> None:
    alternatives = [{"answer": MANY[70], "confidence": 0.5}]
    _offered(queue, *MANY, proposal=MANY[70], alternatives=alternatives, answer_first=True)
    html = _page(rob)
    assert _order(html) == [f"Intent {number}" for number in range(77)]
    assert "choice-suggested" not in html
    client = Client()
    client.force_login(rob, backend="django.contrib.auth.backends.ModelBackend")
    url = re.search(r'action="([^"]*/first-answer/)"', html)
    assert url
    client.post(url[1], {"answer": MANY[3]})
    assert _order(_page(rob)) == [f"Intent {number}" for number in range(77)]


def test_a_candidates_number_records_the_answer_that_stands_for_it() -> None:
    for labels, names, keys in [
        (["equal", "first", "second"], ["", ""], ["0", "1", "2"]),
        (["second", "first"], ["", ""], ["2", "1"]),
        (["tie", "response_b", "response_a"], ["", ""], ["0", "2", "1"]),
        (["Poem", "Letter", "Neither"], ["letter", "poem"], ["2", "1", "0"]),
        (["b", "a", "a_tie"], ["b", "a"], ["1", "2", "0"]),
        (["first", "second", "equal"], ["", "", ""], ["1", "2", "0"]),
        # Nobody can tell which candidate these stand for, so no candidate's number records one of them.
        (["yes", "unclear", "maybe"], ["", ""], ["0", "3", "4"]),
        (["first_much_better", "first", "second"], ["", ""], ["0", "3", "2"]),
    ]:
        assert pairs.assign_pair_shortcuts(labels, names) == keys, labels


def test_candidates_are_chosen_by_number_and_neither_by_zero(queue: Queue, rob: User) -> None:
    _offered(queue, "equal", "second", "first", proposal="first", input=TWO)
    pressed = _Pressed(_page(rob))
    assert pressed.of("verdict", "agree") == ["a", "1"]
    assert pressed.of("answer", "second") == ["2"]
    assert pressed.of("answer", "equal") == ["0"]


@pytest.mark.parametrize("input", [{"text": "x"}, ["candidates"], {"candidates": "ab"}])
def test_three_answers_without_candidates_use_keys_one_to_three(queue: Queue, rob: User, input: Any) -> None:  # noqa: A002
    _offered(queue, "first", "second", "equal", proposal="first", input=input)
    assert _Pressed(_page(rob)).of("answer", "equal") == ["3"]


SHEETS: dict[str, dict[str, Any]] = {
    "two": {"answers": ["yes", "no"], "proposal": "yes"},
    "digits": {"answers": [*"0123456789"], "proposal": "4"},
    "nine": {"answers": [f"a{n}" for n in range(9)], "proposal": "a8"},
    "ten": {"answers": [f"a{n}" for n in range(10)], "proposal": "a0"},
    "eleven": {
        "answers": [f"a{n}" for n in range(11)],
        "proposal": "a10",
        "alternatives": [{"answer": f"a{n}", "confidence": 0.1} for n in (10, 9, 8)],
    },
    "many": {
        "answers": MANY,
        "proposal": MANY[50],
        "alternatives": [{"answer": one, "confidence": 0.1} for one in MANY[50:59]],
    },
    "candidates": {"answers": ["first", "second", "equal"], "proposal": "equal", "input": TWO},
}


@pytest.mark.parametrize("sheet", SHEETS)
def test_another_answer_never_takes_more_keys_than_agreeing(queue: Queue, rob: User, sheet: str) -> None:
    fields = dict(SHEETS[sheet])
    labels = fields.pop("answers")
    _offered(queue, *labels, **fields)
    pressed = _Pressed(_page(rob))
    assert "a" in pressed.of("verdict", "agree")
    # The listed ones: all that there are keys for, and in a list to search all that the AI thought of.
    listed = [one["answer"] for one in fields.get("alternatives", [])] or labels
    for label in set(listed) - {fields["proposal"]}:
        assert len(pressed.of("answer", label)) == 1, label
    assert len(pressed.of("verdict", "none")) == 1
    singles = [key for (name, _), keys in pressed.keys.items() if name in {"verdict", "answer"} for key in keys]
    assert len(singles) == len(set(singles))


def test_sending_ticks_or_fields_takes_one_key_like_agreeing(queue: Queue, rob: User, rita: User) -> None:
    _offered(queue, "price", "service", kind="labels", proposal=["price"])
    pressed = _Pressed(_page(rob))
    assert (pressed.of("verdict", "agree"), pressed.of("verdict", "correct")) == (["a"], ["enter"])
    assert (pressed.of("answers", "price"), pressed.of("answers", "service")) == (["1"], ["2"])

    AnswerSchema.objects.create(queue=queue, number=3, kind="structured", schema=invoices.SCHEMA)
    queue_items.enqueue_items(2, schema_number=3, proposal=invoices.ANSWER, alternatives=[], field_hints=invoices.HINTS)
    pressed = _Pressed(_page(rita))
    assert (pressed.of("verdict", "agree"), pressed.of("verdict", "correct")) == (["a"], ["enter"])


def test_ticks_are_kept_after_a_refusal(queue: Queue, rob: User) -> None:
    _offered(queue, "price", "service", kind="labels", proposal=["price"])
    client = Client()
    client.force_login(rob, backend="django.contrib.auth.backends.ModelBackend")
    url = re.search(r'action="([^"]*/verdict/)"', _page(rob))
    assert url
    refused = {"verdict": "correct", "answers": ["service"], "error_type": "not one of the stream's"}
    html = client.post(url[1], refused).content.decode()
    assert "error types" in html
    ticks = html.partition("data-choices")[2].partition("</fieldset>")[0]
    assert re.findall(r'value="(\w+)" checked', ticks) == ["service"]


@pytest.mark.parametrize("first", ["none", "unjudgeable"])
def test_after_rejecting_all_labels_blind_nothing_is_ticked(queue: Queue, rob: User, first: str) -> None:
    """With the AI's ticks in the boxes, Enter would send what the person has just rejected."""
    _offered(queue, "price", "service", kind="labels", proposal=["price"], answer_first=True)
    client = Client()
    client.force_login(rob, backend="django.contrib.auth.backends.ModelBackend")
    url = re.search(r'action="([^"]*/first-answer/)"', _page(rob))
    assert url

    html = client.post(url[1], {"verdict": first}, follow=True).content.decode()

    assert "The AI’s answer" in html  # noqa: RUF001 - an apostrophe
    assert " checked" not in html.partition("data-choices")[2].partition("</fieldset>")[0]
    assert ("something not listed" in html) == (first == "none")
