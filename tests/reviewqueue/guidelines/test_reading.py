"""Guidelines for one person: new versions stay marked until the person has read them."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from reviewqueue.guidelines import reading
from reviewqueue.kernel.errors import NotFound
from reviewqueue.models import Guideline, GuidelineRead, Queue, User
from tests.helpers import queue_items
from tests.helpers.content_rendering import collapse_whitespace

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def robs(rob: User) -> Client:
    """A browser of rob's."""
    client = Client()
    client.force_login(rob, backend="django.contrib.auth.backends.ModelBackend")
    return client


def _open(client: Client, *, htmx: bool = False, **query: Any) -> str:
    response = client.get(reverse("guidelines", args=["intents"]), query, headers=HTMX if htmx else {})
    assert response.status_code == 200
    return response.content.decode()


def _read(client: Client, number: int | str, *, htmx: bool = True) -> HttpResponse:
    address = reverse("guidelines-reading", args=["intents"])
    response = client.post(address, {"number": number}, headers=HTMX if htmx else {})
    assert isinstance(response, HttpResponse)
    return response


def _version(queue: Queue, number: int, text: str) -> None:
    Guideline.objects.create(queue=queue, number=number, text=text)


def test_a_person_who_never_read_guidelines_sees_no_changes(queue: Queue, rob: User) -> None:
    _version(queue, 2, "Now different.")
    found = reading.get_guideline(user=rob, queue=queue)
    assert (found.number, found.known, found.changed) == (2, None, False)
    assert reading.changes_since_read(queue, found) is None


def test_a_new_version_counts_as_changed_until_it_is_read(queue: Queue, rob: User) -> None:
    reading.mark_guideline_read(user=rob, slug="intents", number=1)
    _version(queue, 2, "**refund**: money never goes back.")
    found = reading.get_guideline(user=rob, queue=queue)
    assert found.changed
    change = reading.changes_since_read(queue, found)
    assert change is not None
    assert (change.before, change.after) == (1, 2)
    assert [line.mark for line in change.lines or []] == ["removed", "added"]
    reading.mark_guideline_read(user=rob, slug="intents", number=2)
    assert not reading.get_guideline(user=rob, queue=queue).changed


def test_a_version_used_for_verdicts_counts_as_known(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, 2, 3)
    queue_items.judge_next(rob)
    _version(queue, 2, "Now different.")
    assert reading.get_guideline(user=rob, queue=queue).changed
    queue_items.judge_next(rob)
    assert reading.get_guideline(user=rob, queue=queue).changed


def test_reading_an_older_version_again_forgets_nothing(queue: Queue, rob: User) -> None:
    _version(queue, 2, "Now different.")
    for number in (2, 1, 2):
        reading.mark_guideline_read(user=rob, slug="intents", number=number)
    assert GuidelineRead.objects.get().number == 2


def test_viewing_guidelines_does_not_mark_them_as_read(queue: Queue, robs: Client) -> None:
    html = _open(robs)
    assert "Mark as read" in html
    assert not GuidelineRead.objects.exists()
    assert _read(robs, 1, htmx=False).status_code == 302
    assert GuidelineRead.objects.get().number == 1
    assert "Mark as read" not in _open(robs)


def test_reading_removes_the_changed_tag_from_the_desk(queue: Queue, robs: Client) -> None:
    _read(robs, 1)
    _version(queue, 2, "Now different.")
    queue_items.enqueue_items(1)
    desk = reverse("desk", args=["intents"])
    assert "changed</span>" in robs.get(desk).content.decode()
    answer = _read(robs, 2).content.decode()
    assert 'id="guidelines-changed" data-number="2"' in answer
    assert "hx-swap-oob" in answer
    assert "changed</span>" not in answer
    assert "changed</span>" not in robs.get(desk).content.decode()


def test_the_dialog_loads_the_items_version_with_its_changes(queue: Queue, robs: Client) -> None:
    _read(robs, 1)
    _version(queue, 2, "**refund**: money never goes back.")
    _version(queue, 3, "Only at night.")
    html = _open(robs, htmx=True, number=2)
    assert "<html" not in html
    assert "version 1 to 2" in html
    assert "<ins>" in html
    assert "Only at night" not in html


def test_any_two_versions_can_be_compared(queue: Queue, robs: Client) -> None:
    _version(queue, 2, "**refund**: money never goes back.")
    _version(queue, 3, "Only at night.")
    html = collapse_whitespace(_open(robs, before=3, after=1))
    assert "From version 3 to 1" in html
    assert "<del>Only at night.</del>" in html
    assert html.count("?number=") == 3


def test_changes_are_shown_as_text_and_never_as_markup(queue: Queue, robs: Client) -> None:
    _version(queue, 2, "<script>alert(1)</script> \u202e ![x](https://evil.example/x.png)")
    html = _open(robs, before=1, after=2)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "\u202e" not in html.partition('class="changes-lines"')[2]


@pytest.mark.parametrize("number", ["0", "-1", "99", "1e3", "x", "\u0661", "9" * 30, "1; DROP"])
def test_an_invalid_version_is_not_found(queue: Queue, robs: Client, number: str) -> None:
    address = reverse("guidelines", args=["intents"])
    assert _read(robs, number).status_code == 404
    assert robs.get(address, {"number": number}).status_code == 404
    if number != "0":
        assert robs.get(address, {"before": number, "after": "1"}).status_code == 404


def test_another_queues_version_is_not_found(queue: Queue, rob: User) -> None:
    other = Queue.objects.create(slug="other", title="Other")
    _version(other, 5, "Not yours.")
    with pytest.raises(NotFound):
        reading.open_guideline(user=rob, slug="intents", number=5)
    with pytest.raises(NotFound):
        reading.mark_guideline_read(user=rob, slug="other", number=5)
