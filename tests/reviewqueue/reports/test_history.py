"""A person's own decisions: nobody else's, and nothing that could influence a pending judgement."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reviewqueue.kernel import clock
from reviewqueue.models import AnswerSchema, Guideline, ItemContent, Membership, Queue, User, Verdict
from reviewqueue.queue.items import reopen_item, withdraw_items
from reviewqueue.reports import history
from reviewqueue.verdicts import undo, wording
from tests.helpers import queue_items

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"


def _get(user: User, name: str, *args: Any) -> HttpResponse:
    client = Client()
    client.force_login(user, backend=BACKEND)
    response = client.get(reverse(name, args=["intents", *args]))
    assert isinstance(response, HttpResponse)
    return response


def _page(user: User, verdict_id: int) -> str:
    """The page of a decision, without the bar and what else stands around it."""
    response = _get(user, "desk-decision", verdict_id)
    assert response.status_code == 200
    return response.content.decode().partition("<main")[2]


def test_a_persons_latest_verdicts_are_listed(queue: Queue, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1, 2, 3)
    now = clock.current_time()
    first = queue_items.judge_next(rob, now=now - timedelta(minutes=5))
    second = queue_items.judge_next(rob, "none", now=now)
    queue_items.judge_next(rita)
    latest = history.list_latest_verdicts(rob, now=now)
    assert [(one.id, one.kind, one.undoable) for one in latest] == [
        (second.id, "none", True),
        (first.id, "agree", False),
    ]
    assert (latest[0].reference, latest[0].queue, latest[0].words) == ("ticket-2", "intents", "I was charged twice")
    undo.undo_verdict(verdict_id=second.id, user=rob, now=now)
    assert [one.id for one in history.list_latest_verdicts(rob, now=now)] == [first.id]


def test_the_short_list_ends_after_ten_and_the_long_one_continues(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(*range(1, 13))
    for _ in range(12):
        queue_items.judge_next(rob)
    assert len(history.list_latest_verdicts(rob)) == 10
    assert len(history.list_past_verdicts(rob)) == 12


@pytest.mark.parametrize(
    ("content", "gist"),
    [
        ({"text": "  I was\n charged   twice "}, "I was charged twice"),
        ({"text": "word " * 100}, "word " * 15 + "word…"),
        ("only a text", "only a text"),
        ({"messages": [{"author": "Eva", "text": "Where is it?"}, {"author": "Bot", "text": "Here."}]}, "Where is it?"),
        ({"messages": [{"role": "user", "content": "Hello"}]}, "Hello"),
        ({"candidates": [{"text": "One answer"}, {"text": "Another"}]}, "One answer"),
        ({"image": "data:image/png;base64,iVBORw0KGgo="}, "Image ticket-1"),
        ({"fields": {"total": 3}}, "ticket-1"),
        ([1, 2], "ticket-1"),
        (7, "ticket-1"),
        ({"text": 7}, "7"),
        ({"messages": "none"}, "ticket-1"),
    ],
)
def test_each_verdict_shows_the_beginning_of_its_content(queue: Queue, rob: User, content: Any, gist: str) -> None:
    queue_items.enqueue_items(1, input=content)
    queue_items.judge_next(rob)
    (one,) = history.list_latest_verdicts(rob)
    assert wording.summarize_item(one.words, image=one.image, reference=one.reference) == gist


def test_a_large_input_is_not_read_for_an_excerpt(queue: Queue, rob: User) -> None:
    noise = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(40_000))
    queue_items.enqueue_items(1, input={"text": noise})
    queue_items.judge_next(rob)
    (one,) = history.list_latest_verdicts(rob)
    assert (one.words, one.reference) == ("", "ticket-1")


def test_the_list_is_one_statement_however_long_it_is(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(*range(1, 9))
    for _ in range(8):
        queue_items.judge_next(rob)
    now = clock.current_time()
    with CaptureQueriesContext(connection) as asked:
        history.list_latest_verdicts(rob, now=now)
    assert len(asked) == 1


def test_verdicts_in_a_queue_the_person_left_are_not_listed(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    given = queue_items.judge_next(rob)
    Membership.objects.all().delete()
    assert history.list_latest_verdicts(rob) == []
    assert _get(rob, "desk-decision", given.id).status_code == 404


def test_a_decision_shows_its_content_and_the_verdict(queue: Queue, rob: User) -> None:
    Guideline.objects.filter(queue=queue).update(number=4)
    queue_items.enqueue_items(1, context={"customer since": "2019"})
    given = queue_items.judge_next(rob, "correct", answer="billing", reason="ambiguous", note="twice in a minute")
    html = _page(rob, given.id)
    for part in ("I was charged twice", "customer since", "Billing", "twice in a minute", "The item is ambiguous"):
        assert part in html
    assert "Version 4" in html
    assert "Not final yet" in html
    assert reverse("desk-undo", args=["intents", given.id]) in html


def test_the_first_answer_is_shown_beside_the_final_one(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    given = queue_items.judge_next(rob, "agree", first="billing")
    html = _page(rob, given.id)
    assert html.index("First answer") < html.index("Billing") < html.index("Final answer")


def test_nobody_can_read_other_peoples_decisions(queue: Queue, rob: User, rita: User, ann: User, mara: User) -> None:
    queue_items.enqueue_items(1)
    given = queue_items.judge_next(rob)
    for person in (rita, ann):
        assert _get(person, "desk-decision", given.id).status_code == 404
    assert _get(mara, "desk-decision", given.id).status_code == 403
    Queue.objects.create(slug="other", title="Other")
    Membership.objects.create(user=rob, queue=Queue.objects.get(slug="other"))
    client = Client()
    client.force_login(rob, backend=BACKEND)
    assert client.get(reverse("desk-decision", args=["other", given.id])).status_code == 404
    assert client.get(reverse("desk-decision", args=["intents", 10**17])).status_code == 404


def test_an_items_outcome_is_shown_once_it_is_settled(queue: Queue, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2, undo_seconds=0)
    given = queue_items.judge_next(rob, "correct", answer="billing")
    queue_items.settle_verdicts()
    html = _page(rob, given.id)
    assert "Not settled yet" in html
    queue_items.judge_next(rita, "correct", answer="billing")
    queue_items.settle_verdicts()
    html = _page(rob, given.id)
    assert "Settled as <strong>Billing</strong>" in html
    assert "rita" not in html


def test_the_first_of_two_reviews_reveals_nothing_to_the_second(queue: Queue, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    first = queue_items.judge_next(rob, "correct", answer="billing", note="seen on page 2")
    second = queue_items.judge_next(rita)
    assert _get(rita, "desk-decision", first.id).status_code == 404
    html = _page(rita, second.id)
    assert "Billing" not in html
    assert "page 2" not in html
    assert "Settled" not in html


def test_earlier_verdicts_are_hidden_while_an_item_is_reviewed_again(queue: Queue, rob: User, ann: User) -> None:
    queue_items.enqueue_items(1)
    given = queue_items.judge_next(rob, "correct", answer="billing", note="seen on page 2")
    queue_items.settle_verdicts()
    assert "Settled as" in _page(rob, given.id)
    _reopen(ann)
    html = _page(rob, given.id)
    assert "This item is being reviewed again" in html
    assert "I was charged twice" in html
    for said in ("Billing", "Refund", "page 2", "Settled"):
        assert said not in html
    (one,) = history.list_latest_verdicts(rob)
    assert one.asked_again
    assert not one.undoable
    listed = _get(rob, "desk-decisions").content.decode()
    assert "in review again" in listed
    assert "Billing" not in listed


def test_proposed_content_is_withheld_too(queue: Queue, rob: User, ann: User) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="structured", schema={"type": "object"})
    text = "Please send one of the two payments back to my account."
    rewritten = {"text": text.replace("back", "tomorrow")}
    queue_items.enqueue_items(1, input={"text": text}, proposal=rewritten, schema_number=2)
    given = queue_items.judge_next(rob)
    queue_items.settle_verdicts()
    assert "tomorrow" in _page(rob, given.id)
    _reopen(ann)
    assert "tomorrow" not in _page(rob, given.id)


def test_undone_verdicts_and_withdrawn_content_are_withheld(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, 2)
    back = queue_items.judge_next(rob, "correct", answer="billing")
    undo.undo_verdict(verdict_id=back.id, user=rob)
    html = _page(rob, back.id)
    assert "You undid this" in html
    assert "Billing" not in html
    gone = queue_items.judge_next(rob)
    _withdraw(2)
    html = _page(rob, gone.id)
    assert "withdrew this item" in html
    assert "charged twice" not in html


def test_a_decision_can_be_read_after_its_content_is_gone(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    given = queue_items.judge_next(rob)
    ItemContent.objects.all().delete()
    assert "no longer stored" in _page(rob, given.id)
    assert len(history.list_latest_verdicts(rob)) == 1


def test_untrusted_content_is_inert(queue: Queue, rob: User) -> None:
    evil = "<script>alert(1)</script>\u202e"
    queue_items.enqueue_items(1, input={"text": evil}, reference=evil, context={evil: evil})
    queue_items.enqueue_items(2, input={"fields": {}}, reference=evil)
    given = queue_items.judge_next(rob, note=evil)
    queue_items.judge_next(rob)
    for html in (_page(rob, given.id), _get(rob, "desk-decisions").content.decode()):
        assert "<script>alert" not in html
        assert "\u202e" not in html


def test_reading_changes_nothing(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    given = queue_items.judge_next(rob)
    before = Verdict.objects.values().get()
    _page(rob, given.id)
    assert Verdict.objects.values().get() == before


def _reopen(lead: User) -> None:
    reopen_item(item_id=1, by=lead)


def _withdraw(item: int) -> None:
    withdraw_items(item_ids=[item], actor="key:1")
