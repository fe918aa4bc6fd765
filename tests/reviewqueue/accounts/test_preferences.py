"""Desk preferences: saved, refused with a reason, and never shared between people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django import forms
from django.template import Context, Template
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from reviewqueue.accounts import preferences
from reviewqueue.kernel import clock, locale_format
from reviewqueue.models import Preferences, User
from reviewqueue.verdicts import wording
from tests.helpers import queue_items

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
NOON = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


class Rate(forms.Form):
    rate = forms.FloatField(initial=0.25)


@pytest.fixture
def client(rob: User) -> Client:
    client = Client()
    client.force_login(rob, backend=BACKEND)
    return client


def _settings(client: Client, **fields: str) -> Any:
    return client.post(reverse("desk-settings"), {"form": "1", **fields})


def _text(response: Any) -> str:
    text: str = response.content.decode()
    return text


def test_default_preferences_need_no_row_and_one_query(rob: User, django_assert_num_queries: Any) -> None:
    fresh = User.objects.get(pk=rob.pk)
    with django_assert_num_queries(1):
        assert preferences.get_preferences(fresh).break_nudge
        assert preferences.get_preferences(fresh).time_zone == ""
    assert not Preferences.objects.exists()


def test_everything_on_the_page_is_saved_and_shown_again(client: Client, rob: User) -> None:
    saved = _settings(client, **{"key.agree": "W", "key.pass": "", "time_zone": "Asia/Tokyo", "blur_images": "on"})
    assert saved.status_code == 302
    row = Preferences.objects.get(user=rob)
    assert (row.keys, row.time_zone) == ({"agree": "w", "pass": ""}, "Asia/Tokyo")
    assert (row.single_keys, row.break_nudge, row.blur_images, row.grey_images) == (False, False, True, False)
    html = _text(client.get(reverse("desk-settings")))
    assert 'name="key.agree" value="w"' in html
    assert 'value="Asia/Tokyo"' in html
    queue_items.enqueue_items(1)
    desk = _text(client.get(reverse("desk", args=["intents"])))
    assert " data-blur" in desk
    assert " data-grey" not in desk
    assert "data-break-reminder" not in desk


def test_conflicting_keys_are_explained_at_their_fields_and_input_is_kept(client: Client) -> None:
    refused = _settings(client, **{"key.agree": "s", "key.note": "two", "time_zone": "Mars/Olympus"})
    html = _text(refused)
    assert refused.status_code == 400
    assert 'id="error-agree">Already used for “Pass to someone else”.' in html
    assert 'id="error-pass">Already used for “Agree with the AI”.' in html
    assert 'id="error-note">Use a single letter' in html
    assert 'name="key.note" value="two"' in html
    assert not Preferences.objects.exists()


def test_an_unknown_time_zone_is_refused_at_its_field(client: Client) -> None:
    html = _text(_settings(client, time_zone="../../etc/passwd"))
    assert "Unknown time zone." in html
    assert not Preferences.objects.exists()


def test_one_key_or_all_can_be_reset_and_the_rest_stays(client: Client, rob: User) -> None:
    preferences.save_preferences(user=rob, keys={"agree": "w", "note": "l"}, time_zone="Asia/Tokyo")
    client.post(reverse("desk-settings"), {"form": "1", "time_zone": "Asia/Tokyo", "reset": "agree"})
    assert Preferences.objects.get().keys == {"note": "l"}
    client.post(reverse("desk-settings"), {"form": "1", "time_zone": "Asia/Tokyo", "reset": ""})
    row = Preferences.objects.get()
    assert (row.keys, row.time_zone) == ({}, "Asia/Tokyo")
    client.post(reverse("desk-settings"), {"reset": "no such action"})
    assert Preferences.objects.get().keys == {}


def test_resetting_a_key_also_saves_the_other_input(client: Client, rob: User) -> None:
    preferences.save_preferences(user=rob, keys={"agree": "w"}, time_zone="Asia/Tokyo")
    typed = {"form": "1", "key.agree": "w", "key.note": "l", "time_zone": "Europe/Paris", "grey_images": "on"}
    client.post(reverse("desk-settings"), typed | {"reset": "agree"})
    row = Preferences.objects.get()
    assert (row.keys, row.time_zone, row.grey_images) == ({"note": "l"}, "Europe/Paris", True)
    refused = client.post(reverse("desk-settings"), typed | {"key.note": "a", "time_zone": "Mars", "reset": "agree"})
    assert refused.status_code == 400
    assert 'value="Mars"' in _text(refused)
    client.post(reverse("desk-settings"), typed | {"time_zone": "Asia/Tokyo", "reset": ""})
    row.refresh_from_db()
    assert (row.keys, row.time_zone) == ({}, "Asia/Tokyo")


def test_a_key_cannot_be_reset_while_another_action_uses_its_default(client: Client, rob: User) -> None:
    preferences.save_preferences(user=rob, keys={"agree": "w", "note": "a"})
    refused = client.post(reverse("desk-settings"), {"reset": "agree"})
    assert refused.status_code == 400
    assert "Already used for “Write a note”." in _text(refused)


def test_malformed_requests_store_nothing(client: Client, rita: User) -> None:
    for sent in ({"form": "1", "user": str(rita.pk), "user_id": str(rita.pk)}, {"form": "1", "key.__class__": "p"}):
        assert client.post(reverse("desk-settings"), sent).status_code == 302
    assert not Preferences.objects.filter(user=rita).exists()
    for key in ("a\0", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "x" * 9000):
        assert _settings(client, **{"key.agree": key}).status_code == 400


def test_the_desk_queries_preferences_once(client: Client, rob: User, django_assert_max_num_queries: Any) -> None:
    queue_items.enqueue_items(1)
    preferences.save_preferences(user=rob, keys={"agree": "w"})
    with django_assert_max_num_queries(40) as asked:
        client.get(reverse("desk", args=["intents"]))
    assert sum('"reviewqueue_preferences"' in query["sql"] for query in asked.captured_queries) == 1


@pytest.mark.parametrize(
    ("chosen", "cookie", "told"),
    [("", "", "12:30"), ("", "Pacific/Auckland", "01:30"), ("Asia/Tokyo", "Pacific/Auckland", "21:30")]
    + [("", odd, "12:30") for odd in ("Mars/Olympus", "../../etc/passwd", "UTC; DROP", "<b>", "/etc/localtime")],
)
def test_times_are_shown_in_the_readers_time_zone(
    client: Client, rob: User, monkeypatch: pytest.MonkeyPatch, chosen: str, cookie: str, told: str
) -> None:
    monkeypatch.setattr(clock, "current_time", lambda now=None: NOON)
    preferences.save_preferences(user=rob, time_zone=chosen)
    client.cookies["zone"] = cookie
    assert f"Your time is {told}" in _text(client.get(reverse("desk-settings")))
    assert timezone.get_current_timezone_name() == "UTC"


def test_an_unvalidated_time_zone_opens_no_file(client: Client, rob: User) -> None:
    Preferences.objects.create(user=rob, time_zone="../../../etc/passwd")
    assert client.get(reverse("desk-settings")).status_code == 200


def test_the_time_zone_is_reset_after_a_failed_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.cookies["zone"] = "Pacific/Auckland"
    assert client.get(reverse("desk", args=["no-such-queue"])).status_code == 404
    assert timezone.get_current_timezone_name() == "UTC"


def test_days_are_counted_in_the_teams_time_zone_for_every_reader() -> None:
    before_midnight = NOON.replace(hour=23)
    with timezone.override("Pacific/Auckland"):
        assert clock.team_date(before_midnight) == before_midnight.date()


@pytest.mark.parametrize(
    ("header", "locale"),
    [("de-DE,de;q=0.9,en;q=0.8", "de"), ("fr", "fr"), ("en-GB", "en-gb"), ("xx,pt-BR;q=0.5", "pt-br"), ("", "en"),
     ("*", "en"), ("x" * 9000, "en"), ("../../etc", "en"), ("de;q=0,en", "en")],
)  # fmt: skip
def test_numbers_use_the_first_known_locale_of_the_browser(header: str, locale: str) -> None:
    assert locale_format.negotiate_locale(header) == locale


@pytest.mark.parametrize(
    ("locale", "many", "part"),
    [("en", "1,234,567", "12.5"), ("de", "1.234.567", "12,5"), ("fr", "1\u00a0234\u00a0567", "12,5")],
)
def test_numbers_follow_the_readers_locale_and_words_stay_english(locale: str, many: str, part: str) -> None:
    with locale_format.use_locale(locale):
        assert locale_format.format_number(1_234_567, grouped=True) == many
        assert locale_format.format_number(12.5, 1) == part
        assert wording.format_share(0.996) == ("99,6\u00a0%" if locale != "en" else "99.6\u00a0%")
        assert Template("{% load numbers %}{{ n|grouped }}").render(Context({"n": 1_234_567})) == many
    assert locale_format.format_number(12.5, 1) == "12.5"


def test_numbers_are_rounded_not_truncated(client: Client) -> None:
    assert locale_format.format_number(2.675, 2) == "2.67"  # as floats are
    assert locale_format.format_number(0.9996, 2) == "1.00"
    assert locale_format.format_number(7.9) == "8"


def test_a_german_reader_gets_german_separators_and_form_fields_with_dots(
    client: Client, rob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    html = _text(client.get(reverse("inbox"), headers={"Accept-Language": "de-DE,de;q=0.9"}))
    assert '<html lang="en"' in html
    with locale_format.use_locale("de"):
        field = Template("{{ form.rate }}").render(Context({"form": Rate()}))
    assert 'value="0.25"' in field
