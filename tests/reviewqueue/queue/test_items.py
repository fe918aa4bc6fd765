"""Enqueue, withdraw, expire and reopen items; configure queues."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reviewqueue.accounts import roles
from reviewqueue.activity import log
from reviewqueue.kernel import clock
from reviewqueue.kernel.errors import Invalid, NotFound
from reviewqueue.models import AnswerSchema, Event, Guideline, Item, ItemContent, Label, Queue, Slot, User
from reviewqueue.models.items import Lane
from reviewqueue.queue import lease
from reviewqueue.queue.claim import claim_next, list_held_claims, renew_claim
from reviewqueue.queue.items import (
    NotSettled,
    QueueLoad,
    QueueSettings,
    configure_queue,
    enqueue_items,
    expire_items,
    reopen_item,
    withdraw_items,
)
from reviewqueue.queue.items import measure_loads as items_load
from reviewqueue.queue.settings import QueueDefinition
from reviewqueue.verdicts import submit
from tests.helpers import queue_items

pytestmark = pytest.mark.usefixtures("balanced")


def test_enqueueing_is_idempotent(queue: Queue) -> None:
    assert queue_items.enqueue_items(1, 2) == 2
    assert queue_items.enqueue_items(2, 3) == 1
    assert Item.objects.count() == ItemContent.objects.count() == Slot.objects.count() == 3


def test_duplicates_in_a_batch_are_enqueued_once(queue: Queue) -> None:
    assert queue_items.enqueue_items(1, 1) == 1


def test_a_withdrawn_item_stays_withdrawn_when_it_is_enqueued_again(queue: Queue) -> None:
    queue_items.enqueue_items(1)
    withdraw_items(item_ids=[1], actor="key:1")
    assert queue_items.enqueue_items(1) == 0
    assert Item.objects.get().state == "withdrawn"


def test_second_reviews_are_always_answer_first(queue: Queue) -> None:
    queue_items.enqueue_items(1, reviews_wanted=3)
    slots = Slot.objects.order_by("id").values_list("kind", "answer_first")
    assert list(slots) == [("first", False), ("second", True), ("second", True)]


def test_a_batch_costs_as_many_statements_as_one_item(queue: Queue) -> None:
    counts = []
    for numbers in ([1], range(2, 502)):
        with CaptureQueriesContext(connection) as captured:
            queue_items.enqueue_items(*numbers, reviews_wanted=2)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 12


def test_item_content_is_stored_unchanged(queue: Queue) -> None:
    content = {"text": 'Ärger, "quotes", \\ and {braces}', "n": [1, 2.5, None, True]}
    queue_items.enqueue_items(1, input=content, context={"a": None}, proposal=None)
    stored = ItemContent.objects.get()
    assert (stored.input, stored.context, stored.proposal) == (content, {"a": None}, None)


def test_an_item_keeps_which_fields_are_asked_whatever_is_enqueued_later(queue: Queue) -> None:
    queue_items.enqueue_items(1, asked=["/total", "/lines/0/sum"])
    queue_items.enqueue_items(2)
    queue_items.enqueue_items(1, asked=["/supplier"])
    assert list(Item.objects.order_by("id").values_list("asked", flat=True)) == [["/total", "/lines/0/sum"], None]
    assert Item.objects.get(asked__isnull=True).pk == 2


def test_an_unknown_queue_or_answer_schema_is_refused(queue: Queue) -> None:
    with pytest.raises(NotFound):
        enqueue_items(slug="elsewhere", items=[queue_items.build_item(1)])
    with pytest.raises(Invalid):
        queue_items.enqueue_items(1, schema_number=7)
    assert enqueue_items(slug="elsewhere", items=[]) == 0


def test_withdrawing_closes_only_open_items_and_returns_them(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, 2, 3)
    queue_items.judge_next(rob)
    queue_items.settle_verdicts()
    assert withdraw_items(item_ids=[1, 2, 9], actor="key:1") == [2]
    assert list(Slot.objects.open().values_list("item_id", flat=True)) == [3]
    assert [event.verb for event in log.events_about("item", 2)] == ["withdrawn"]


def test_a_reservation_prevents_an_item_from_expiring(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, 2)
    claim = queue_items.claim_next_item(rob)
    assert expire_items(item_ids=[1, 2]) == [2]
    assert expire_items(item_ids=[1], now=claim.reserved_until) == [1]


def test_a_pending_or_uncounted_verdict_prevents_an_item_from_expiring(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    queue_items.judge_next(rob)
    assert expire_items(item_ids=[1]) == []
    assert expire_items(item_ids=[1], now=queue_items.time_when_final()) == []
    queue_items.settle_verdicts()
    assert expire_items(item_ids=[1]) == []


def test_an_item_with_one_of_two_reviews_may_expire(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    queue_items.judge_next(rob)
    queue_items.settle_verdicts()
    assert expire_items(item_ids=[1]) == [1]


def test_a_reopened_item_gets_a_new_round_and_keeps_its_old_label(queue: Queue, rob: User, ann: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    queue_items.judge_next(rob)
    queue_items.judge_next(ann)
    assert len(queue_items.settle_verdicts()) == 1
    reopen_item(item_id=1, by=ann, reason="guidelines changed")
    item = Item.objects.get()
    assert (item.state, item.round, item.closed_at) == ("open", 2, None)
    assert Slot.objects.open().filter(round=2).count() == 2
    queue_items.judge_next(rob, "correct", answer="billing")
    queue_items.judge_next(ann, "correct", answer="billing")
    (second,) = queue_items.settle_verdicts()
    assert (second.round, second.answer) == (2, "billing")
    assert list(Label.objects.order_by("round").values_list("round", "answer")) == [(1, "refund"), (2, "billing")]


def test_a_reviewer_who_saw_an_earlier_round_is_not_blind(queue: Queue, rob: User, ann: User) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    queue_items.judge_next(rob)
    assert queue_items.settle_verdicts()[0].blind
    reopen_item(item_id=1, by=ann)
    queue_items.judge_next(rob)
    assert not queue_items.settle_verdicts()[0].blind


def test_only_a_lead_who_is_a_member_can_reopen_and_only_settled_items(
    queue: Queue, rob: User, ann: User, eve: User
) -> None:
    queue_items.enqueue_items(1)
    with pytest.raises(NotSettled):
        reopen_item(item_id=1, by=ann)
    queue_items.judge_next(rob)
    queue_items.settle_verdicts()
    with pytest.raises(roles.Forbidden):
        reopen_item(item_id=1, by=rob)
    eve.role = "lead"
    for item, person in ((1, eve), (99, ann)):
        with pytest.raises(NotFound):
            reopen_item(item_id=item, by=person)


def test_loads_are_measured_for_every_queue(queue: Queue, rob: User) -> None:
    Queue.objects.create(slug="empty", title="Empty")
    began = clock.current_time() - timedelta(hours=1)
    queue_items.enqueue_items(1, now=began)
    queue_items.enqueue_items(2)
    queue_items.judge_next(rob, "escalate")
    queue_items.settle_verdicts()
    load = items_load()
    assert load["intents"] == QueueLoad(waiting=2, oldest_at=began, for_lead=1)
    assert load["empty"] == QueueLoad(waiting=0, oldest_at=None, for_lead=0)


def test_a_copy_is_never_offered_to_people_who_judged_the_original(queue: Queue, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1)
    queue_items.judge_next(rob)
    queue_items.settle_verdicts()
    queue_items.enqueue_items(2, copy_of=1, source="test")
    assert claim_next(user=rob, slug="intents") is None
    assert queue_items.claim_next_item(rita).item.id == 2


def test_configuring_numbers_only_what_changed(db: None) -> None:
    first = configure_queue(
        QueueDefinition(slug="q", title="Q", answers=["a", "b"], guidelines="**a**"), actor="user:ann"
    )
    assert first == QueueSettings(schema_number=1, guideline_number=1, kind="label")
    again = configure_queue(
        QueueDefinition(slug="q", title="Q", answers=["a", "b"], guidelines="**a**"), actor="user:ann"
    )
    assert again == first
    assert Event.objects.filter(verb="configured").count() == 1
    changed = configure_queue(
        QueueDefinition(slug="q", title="Q2", answers=["a", "b"], multiple=True, guidelines="**b**", reserve_minutes=5),
        actor="user:ann",
    )
    assert changed == QueueSettings(schema_number=2, guideline_number=2, kind="labels")
    assert (Queue.objects.get().title, Queue.objects.get().reserve_minutes) == ("Q2", 5)
    assert (AnswerSchema.objects.count(), Guideline.objects.count()) == (2, 2)


def test_a_queue_without_guidelines_has_no_guideline_number(db: None) -> None:
    configured = configure_queue(QueueDefinition(slug="q", title="Q", schema={"type": "object"}), actor="user:ann")
    assert (configured.guideline_number, configured.kind) == (None, "structured")


@pytest.mark.parametrize(
    ("settings", "pointer"),
    [
        ({}, "/answers"),
        ({"answers": []}, "/answers"),
        ({"answers": ["a", "a "]}, "/answers/1"),
        ({"answers": ["a", 1]}, "/answers/1"),
        ({"answers": ["a"], "schema": {"type": "object"}}, "/schema"),
        ({"schema": {"type": "string"}}, "/schema"),
        ({"schema": {"type": "object", "properties": {"a": {"type": "nonsense"}}}}, "/schema/properties/a/type"),
        ({"answers": ["a"], "reserve_minutes": 0}, "/reserve_minutes"),
        ({"answers": ["a"], "display": {"rows": "marquee"}}, "/display"),
    ],
)
def test_invalid_settings_are_refused_with_a_pointer(db: None, settings: dict[str, object], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        configure_queue(QueueDefinition(slug="q", title="Q", **settings), actor="user:ann")  # type: ignore[arg-type]
    assert refused.value.errors[0]["pointer"] == pointer
    assert not Queue.objects.exists()


def test_the_holder_of_a_withdrawn_item_is_told_when_they_act(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    withdraw_items(item_ids=[1], actor="key:1")
    with pytest.raises(lease.ItemWithdrawn):
        submit.submit_verdict(claim_id=claim.id, user=rob, kind="agree")
    with pytest.raises(lease.ItemWithdrawn):
        renew_claim(claim_id=claim.id, user=rob)
    assert list_held_claims(rob) == []


def test_items_go_to_the_lane_the_caller_chose(queue: Queue) -> None:
    queue_items.enqueue_items(1, lane=Lane.CHECKS)
    assert Slot.objects.get().lane == Lane.CHECKS
