"""Settle final verdicts into labels, and take labels from the outbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from reviewqueue.activity import log
from reviewqueue.models import Item, Label, LabelOutbox, Membership, Queue, Seen, Slot, User, Verdict
from reviewqueue.queue.claim import release_claim as claim_release
from reviewqueue.queue.claim_view import Claim
from reviewqueue.queue.items import reopen_item
from reviewqueue.queue.passing import pass_item
from reviewqueue.queue.settings import get_answer_spec
from reviewqueue.verdicts import labels, submit, undo
from tests.helpers import asked_fields, queue_items

pytestmark = pytest.mark.usefixtures("balanced")


@pytest.fixture
def cora(queue: Queue) -> User:
    """A third reviewer."""
    user = User.objects.create_user(username="cora", role="reviewer")
    Membership.objects.create(user=user, queue=queue)
    return user


def test_an_item_is_claimed_judged_and_settled(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, source="output")
    submitted = queue_items.judge_next(rob, "correct", answer="billing", active_seconds=0.0)
    assert labels.settle_due_items() == 0
    assert labels.settle_due_items(now=submitted.final_at) == 1
    (settled,) = labels.take_labels()
    label = Label.objects.get()
    assert settled == labels.SettledLabel(
        label_id=label.pk,
        item_id=1,
        queue="intents",
        source="output",
        round=1,
        outcome="answered",
        answer="billing",
        first_outcome="answered",
        first_answer="billing",
        blind=False,
        basis="single",
        verdicts=[submitted.id],
        reviews=1,
        active_seconds=0.0,
        schema_number=1,
        settled_at=submitted.final_at,
    )
    item = Item.objects.get()
    assert (item.state, item.closed_at, item.settle_at) == ("settled", submitted.final_at, None)
    assert [event.verb for event in log.events_about("item", 1)] == ["settled"]


def test_what_was_not_asked_for_never_sets_reviewers_at_odds(queue: Queue, rob: User, rita: User) -> None:
    """As verdicts may have it that were given when reviewers still sent whole answers."""
    asked_fields.enqueue_invoices(1, reviews_wanted=2)
    for person in (rob, rita):
        queue_items.judge_next(person, "agree", first=asked_fields.build_document())
    Verdict.objects.filter(user=rob).update(answer=asked_fields.build_document() | {"customer": "Another AG"})
    (label,) = queue_items.settle_verdicts()
    assert label.basis == "majority"


def test_a_label_names_the_fields_that_its_reviews_asked_for(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, asked=["/total"])
    queue_items.enqueue_items(2)
    for _ in range(2):
        queue_items.judge_next(rob)
    assert {label.item_id: label.asked for label in queue_items.settle_verdicts()} == {1: ["/total"], 2: None}


def test_a_label_is_taken_once_and_comes_back_when_its_taker_fails(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    queue_items.judge_next(rob)
    labels.settle_due_items(now=queue_items.time_when_final())
    with transaction.atomic():
        assert len(labels.take_labels()) == 1
        transaction.set_rollback(True)
    assert len(labels.take_labels()) == 1
    assert labels.take_labels() == []
    assert not LabelOutbox.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_taking_labels_outside_a_transaction_raises() -> None:
    with pytest.raises(RuntimeError):
        labels.take_labels()


@pytest.mark.parametrize(("kind", "outcome"), [("none", "rejected"), ("unjudgeable", "unjudgeable")])
def test_none_and_unjudgeable_are_outcomes_too(queue: Queue, rob: User, kind: str, outcome: str) -> None:
    queue_items.enqueue_items(1)
    queue_items.judge_next(rob, kind)
    (settled,) = queue_items.settle_verdicts()
    assert (settled.outcome, settled.answer, settled.first_outcome) == (outcome, None, outcome)


def test_an_item_waits_for_all_its_reviews(queue: Queue, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    queue_items.judge_next(rob)
    assert queue_items.settle_verdicts() == []
    assert Item.objects.get().settle_at is None
    queue_items.judge_next(rita)
    (settled,) = queue_items.settle_verdicts()
    assert (settled.basis, settled.reviews, settled.answer) == ("majority", 2, "refund")


def test_two_of_three_are_a_majority(queue: Queue, rob: User, rita: User, cora: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=3)
    queue_items.judge_next(rob, "correct", answer="billing")
    queue_items.judge_next(rita, "none")
    queue_items.judge_next(cora, "correct", answer="billing")
    (settled,) = queue_items.settle_verdicts()
    assert (settled.answer, settled.basis, len(settled.verdicts)) == ("billing", "majority", 3)


def test_a_disagreement_asks_a_lead_once(queue: Queue, rob: User, rita: User, ann: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2, answer_first=True)
    queue_items.judge_next(rob)
    queue_items.judge_next(rita, "correct", answer="billing")
    assert queue_items.settle_verdicts() == []
    assert queue_items.settle_verdicts() == []
    final = Slot.objects.get(kind="final")
    assert (final.lane, final.answer_first) == (2, False)
    assert [event.verb for event in log.events_about("item", 1)].count("asked_lead") == 1
    queue_items.judge_next(ann, "correct", answer="card_arrival")
    (settled,) = queue_items.settle_verdicts()
    assert (settled.answer, settled.basis, settled.reviews) == ("card_arrival", "final_say", 3)
    assert (settled.first_answer, settled.blind) == ("card_arrival", False)


def test_an_escalation_waits_for_its_undo_window_and_the_final_say_settles(queue: Queue, rob: User, ann: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    queue_items.judge_next(rob, "escalate")
    assert labels.settle_due_items() == 0
    offered = queue_items.claim_next_item(ann)
    assert not offered.final_say
    claim_release(claim_id=offered.id, user=ann)
    queue_items.settle_verdicts()
    queue_items.judge_next(ann, "agree")
    (settled,) = queue_items.settle_verdicts()
    assert (settled.answer, settled.basis) == ("refund", "final_say")
    assert not Slot.objects.open().exists()


def test_errors_use_first_answers_and_decisions_use_final_ones(queue: Queue, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2, answer_first=True)
    queue_items.judge_next(rob, "agree", first="billing")
    queue_items.judge_next(rita, "agree", first="billing")
    (settled,) = queue_items.settle_verdicts()
    assert (settled.answer, settled.first_answer, settled.blind) == ("refund", "billing", True)


def test_one_reviewer_who_saw_the_proposal_makes_the_label_not_blind(queue: Queue, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    queue_items.judge_next(rob)
    queue_items.judge_next(rita)
    assert not queue_items.settle_verdicts()[0].blind


def _plain_and_blind(rob: User, rita: User, end: Callable[[Claim], datetime | None]) -> Verdict:
    """Rob has the slot that shows the proposal, lets it end, and judges by the one that is answered first."""
    queue_items.enqueue_items(1, reviews_wanted=2)
    shown = queue_items.claim_next_item(rob)
    assert shown.revealed
    now = end(shown)
    assert queue_items.claim_next_item(rita, now=now).revealed
    hidden = queue_items.claim_next_item(rob, now=now)
    assert not hidden.revealed
    return Verdict.objects.get(pk=queue_items.decide_claim(hidden, rob, now=now).id)


def test_a_reviewer_who_released_a_revealed_item_is_not_blind_later(queue: Queue, rob: User, rita: User) -> None:
    def release(claim: Claim) -> None:
        claim_release(claim_id=claim.id, user=rob)

    assert _plain_and_blind(rob, rita, release).proposal_visible


def test_a_reviewer_whose_revealed_item_expired_is_not_blind_later(queue: Queue, rob: User, rita: User) -> None:
    assert _plain_and_blind(rob, rita, lambda claim: claim.reserved_until).proposal_visible


def test_a_reviewer_who_undid_a_revealed_verdict_is_not_blind_later(
    queue: Queue, rob: User, rita: User, cora: User
) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    fresh = undo.undo_verdict(verdict_id=queue_items.judge_next(rob).id, user=rob)
    claim_release(claim_id=fresh.id, user=rob)
    hidden = queue_items.claim_next_item(rita)
    assert queue_items.claim_next_item(cora).revealed
    claim_release(claim_id=hidden.id, user=rita)
    Seen.objects.all().delete()  # the verdict alone tells it too
    assert Verdict.objects.get(pk=queue_items.judge_next(rob).id).proposal_visible


def test_a_reviewer_shown_the_proposal_in_an_earlier_round_is_not_blind(
    queue: Queue, rob: User, rita: User, ann: User
) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    claim = queue_items.claim_next_item(rob)
    submit.submit_first_answer(claim_id=claim.id, user=rob, answer="billing")
    pass_item(claim_id=claim.id, user=rob)
    queue_items.judge_next(rita, "escalate")
    queue_items.settle_verdicts()
    opened = queue_items.claim_next_item(ann)
    claim_release(claim_id=opened.id, user=ann)
    queue_items.judge_next(ann, "agree")
    assert len(queue_items.settle_verdicts()) == 1
    reopen_item(item_id=1, by=ann)
    assert Verdict.objects.get(pk=queue_items.judge_next(rob).id).proposal_visible


def test_a_lead_who_opened_the_final_say_is_not_blind_later(queue: Queue, rob: User, ann: User, cora: User) -> None:
    cora.role = "lead"
    cora.save(update_fields=["role"])
    queue_items.enqueue_items(1, answer_first=True)
    queue_items.judge_next(rob, "escalate")
    queue_items.settle_verdicts()
    opened = queue_items.claim_next_item(ann)
    assert opened.final_say
    queue_items.judge_next(cora, now=opened.reserved_until)
    queue_items.settle_verdicts(now=opened.reserved_until + timedelta(minutes=1))
    reopen_item(item_id=1, by=cora)
    assert Verdict.objects.get(pk=queue_items.judge_next(ann, now=opened.reserved_until).id).proposal_visible


def test_a_reviewer_who_answered_before_seeing_the_proposal_stays_blind(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    claim = queue_items.claim_next_item(rob)
    submit.submit_first_answer(claim_id=claim.id, user=rob, answer="billing")
    claim_release(claim_id=claim.id, user=rob)
    assert not Verdict.objects.get(pk=queue_items.judge_next(rob).id).proposal_visible
    assert not Seen.objects.exists()


def test_a_new_verdict_postpones_settlement(queue: Queue, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    first = queue_items.judge_next(rob)
    second = queue_items.judge_next(rita, now=queue_items.time_when_final(10))
    assert labels.settle_due_items(now=first.final_at) == 0
    assert labels.settle_due_items(now=second.final_at) == 1


def test_a_sweep_takes_the_same_number_of_statements_for_many_items(queue: Queue, rob: User, rita: User) -> None:
    counts = []
    get_answer_spec(slug="intents", number=1)  # loaded once per process
    for numbers in ([1], range(2, 8)):
        queue_items.enqueue_items(*numbers)
        for _ in numbers:
            queue_items.judge_next(rob)
        with CaptureQueriesContext(connection) as captured:
            labels.settle_due_items(now=queue_items.time_when_final())
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_a_sweep_processes_at_most_its_limit(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, 2, 3)
    for _ in range(3):
        queue_items.judge_next(rob)
    now = queue_items.time_when_final()
    assert [labels.settle_due_items(limit=2, now=now) for _ in range(3)] == [2, 1, 0]
