"""Submit verdicts and first answers in order and once, and undo them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from reviewqueue.accounts import roles
from reviewqueue.activity import log
from reviewqueue.kernel import clock
from reviewqueue.kernel.errors import Invalid, NotFound
from reviewqueue.models import FirstAnswer, Guideline, Item, Queue, Slot, User, Verdict
from reviewqueue.queue import lease
from reviewqueue.queue.claim import TooManyClaims, claim_next, list_held_claims, release_claim, renew_claim
from reviewqueue.queue.claim import get_claim as claim_claim
from reviewqueue.queue.items import withdraw_items
from reviewqueue.queue.passing import pass_item
from reviewqueue.verdicts import labels, submit, undo
from tests.helpers import queue_items

pytestmark = pytest.mark.usefixtures("balanced")


@pytest.mark.parametrize(
    ("said", "kind", "answer"),
    [
        ({"kind": "agree"}, "agree", "refund"),
        ({"kind": "correct", "answer": "billing"}, "correct", "billing"),
        ({"kind": "correct", "answer": "refund"}, "agree", "refund"),
        ({"kind": "none"}, "none", None),
        ({"kind": "unjudgeable", "reason": "ambiguous", "note": "cut off"}, "unjudgeable", None),
        ({"kind": "escalate", "reason": "guideline_gap"}, "escalate", None),
    ],
)
def test_every_verdict_is_recorded(
    queue: Queue, rob: User, said: dict[str, Any], kind: str, answer: str | None
) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    submitted = submit.submit_verdict(claim_id=claim.id, user=rob, **said)
    verdict = Verdict.objects.get()
    assert (verdict.kind, verdict.answer, verdict.first_answer) == (kind, answer, answer)
    assert (verdict.reason, verdict.note) == (said.get("reason", ""), said.get("note", ""))
    assert (verdict.proposal_visible, verdict.final_say, verdict.round) == (True, False, 1)
    assert (verdict.schema_number, verdict.guideline_number) == (1, 1)
    assert submitted.final_at == verdict.submitted_at + timedelta(seconds=30)
    assert Item.objects.get().settle_at == submitted.final_at
    (event,) = log.events_about("verdict", verdict.pk)
    assert (event.verb, event.actor, event.queue) == ("submitted", "user:rob", "intents")
    assert event.after == {"item": "1", "kind": kind, "round": 1}


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"kind": "maybe"}, "/verdict"),
        ({"kind": "correct"}, "/answer"),
        ({"kind": "correct", "answer": "nonsense"}, "/answer"),
        ({"kind": "correct", "answer": ["refund"]}, "/answer"),
        ({"kind": "agree", "answer": "refund"}, "/answer"),
        ({"kind": "none", "reason": "x" * 41}, "/reason"),
        ({"kind": "none", "note": "x" * 10_001}, "/note"),
        ({"kind": "none", "note": "a\0b"}, "/note"),
        ({"kind": "none", "note": "\ud800"}, "/note"),
    ],
)
def test_an_invalid_verdict_is_refused_with_a_pointer(
    queue: Queue, rob: User, said: dict[str, Any], pointer: str
) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    with pytest.raises(Invalid) as refused:
        submit.submit_verdict(claim_id=claim.id, user=rob, **said)
    assert refused.value.errors[0]["pointer"] == pointer
    assert not Verdict.objects.exists()


def test_a_repeated_verdict_is_idempotent_and_a_different_one_refused(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    said: dict[str, Any] = {
        "claim_id": claim.id,
        "user": rob,
        "kind": "correct",
        "answer": "billing",
        "note": "see thread",
    }
    first = submit.submit_verdict(**said)
    again = submit.submit_verdict(**said, active_seconds=3.0)
    assert (again.id, again.final_at, again.repeated) == (first.id, first.final_at, True)
    assert submit.submit_verdict(**said, now=queue_items.time_when_final(3600)).repeated
    others: list[dict[str, Any]] = [{"answer": "card_arrival"}, {"kind": "none", "answer": None}, {"note": ""}]
    for other in others:
        with pytest.raises(submit.VerdictExists):
            submit.submit_verdict(**said | other)
    assert Verdict.objects.count() == 1


def test_a_late_verdict_is_refused_and_says_who_has_the_item(queue: Queue, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    late = claim.reserved_until
    with pytest.raises(lease.ClaimLost, match="back in the queue"):
        submit.submit_verdict(claim_id=claim.id, user=rob, kind="agree", now=late)
    queue_items.claim_next_item(rita, now=late)
    with pytest.raises(lease.ClaimLost, match="someone else"):
        submit.submit_verdict(claim_id=claim.id, user=rob, kind="agree", now=late)


def test_somebody_elses_claim_and_verdict_do_not_exist(queue: Queue, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    with pytest.raises(NotFound):
        submit.submit_verdict(claim_id=claim.id, user=rita, kind="agree")
    given = submit.submit_verdict(claim_id=claim.id, user=rob, kind="agree")
    with pytest.raises(NotFound):
        submit.submit_verdict(claim_id=claim.id, user=rita, kind="agree")
    with pytest.raises(NotFound):
        undo.undo_verdict(verdict_id=given.id, user=rita)


@pytest.mark.parametrize("said", [{"kind": "maybe"}, {"kind": "agree", "answer": "refund"}, {"kind": "correct"}])
def test_a_verdict_is_validated_only_for_the_holder(
    queue: Queue, rob: User, rita: User, eve: User, said: dict[str, Any]
) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    for person in (rita, eve):
        with pytest.raises(NotFound, match="not reserved for you"):
            submit.submit_verdict(claim_id=claim.id, user=person, **said)
    submit.submit_verdict(claim_id=claim.id, user=rob, kind="agree")
    for person in (rita, eve):
        with pytest.raises(NotFound, match="not reserved for you"):
            submit.submit_verdict(claim_id=claim.id, user=person, **said)


def test_errors_before_the_first_answer_do_not_reveal_an_invalid_proposal(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, answer_first=True, proposal="chargeback")
    claim = queue_items.claim_next_item(rob)
    with pytest.raises(submit.AnswerOrderError):
        submit.submit_verdict(claim_id=claim.id, user=rob, kind="agree")
    submit.submit_first_answer(claim_id=claim.id, user=rob, answer="billing")
    with pytest.raises(Invalid):
        submit.submit_verdict(claim_id=claim.id, user=rob, kind="agree")


def test_active_time_is_limited_to_the_reservation(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, 2, 3)
    now = clock.current_time()
    for seconds, counted in ((12.5, 12.5), (9000.0, 60.0), (-1.0, 0.0)):
        claim = queue_items.claim_next_item(rob, now=now)
        submitted = submit.submit_verdict(
            claim_id=claim.id, user=rob, kind="agree", active_seconds=seconds, now=now + timedelta(seconds=60)
        )
        assert Verdict.objects.get(pk=submitted.id).active_seconds == counted


def test_the_recorded_guidelines_are_the_ones_shown(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    Guideline.objects.create(queue=queue, number=2, text="new")
    submit.submit_verdict(claim_id=claim.id, user=rob, kind="agree")
    assert Verdict.objects.get().guideline_number == claim.item.guideline_number == 1


# Answer first


def test_the_proposal_is_shown_after_the_first_answer_and_may_be_accepted(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    claim = queue_items.claim_next_item(rob)
    shown = submit.submit_first_answer(claim_id=claim.id, user=rob, answer="billing")
    assert (shown.revealed, shown.first_kind, shown.first_answer) == (True, "answer", "billing")
    assert (shown.item.proposal, shown.item.model) == ("refund", "intent-clf")
    assert claim_claim(rob, claim.id) == shown
    submit.submit_verdict(claim_id=claim.id, user=rob, kind="agree")
    verdict = Verdict.objects.get()
    assert (verdict.first_answer, verdict.answer, verdict.proposal_visible) == ("billing", "refund", False)
    assert verdict.first_at == FirstAnswer.objects.get().at


@pytest.mark.parametrize("kind", ["agree", "none", "unjudgeable", "escalate"])
def test_a_verdict_before_the_first_answer_is_refused(queue: Queue, rob: User, kind: str) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    claim = queue_items.claim_next_item(rob)
    with pytest.raises(submit.AnswerOrderError):
        submit.submit_verdict(claim_id=claim.id, user=rob, kind=kind)


def test_a_first_answer_with_the_proposal_visible_is_refused(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    with pytest.raises(submit.AnswerOrderError):
        submit.submit_first_answer(claim_id=claim.id, user=rob, answer="billing")


def test_a_first_answer_cannot_be_changed(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    claim = queue_items.claim_next_item(rob)
    first = submit.submit_first_answer(claim_id=claim.id, user=rob, kind="none")
    assert submit.submit_first_answer(claim_id=claim.id, user=rob, kind="none") == first
    with pytest.raises(submit.VerdictExists):
        submit.submit_first_answer(claim_id=claim.id, user=rob, answer="billing")
    wrong: list[dict[str, Any]] = [{"answer": "nonsense"}, {"kind": "escalate"}, {"kind": "none", "answer": "billing"}]
    for said in wrong:
        with pytest.raises(Invalid):
            submit.submit_first_answer(claim_id=claim.id, user=rob, **said)


def test_a_first_answer_after_expiry_reveals_nothing(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    claim = queue_items.claim_next_item(rob)
    with pytest.raises(lease.ClaimLost):
        submit.submit_first_answer(claim_id=claim.id, user=rob, answer="billing", now=claim.reserved_until)


def test_a_reviewer_who_saw_the_proposal_keeps_their_first_answer(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    claim = queue_items.claim_next_item(rob)
    submit.submit_first_answer(claim_id=claim.id, user=rob, answer="billing")
    release_claim(claim_id=claim.id, user=rob)
    again = queue_items.claim_next_item(rob)
    assert (again.revealed, again.first_answer) == (True, "billing")
    lapsed = queue_items.claim_next_item(rob, now=again.reserved_until)
    assert lapsed.first_answer == "billing"


def test_the_next_person_does_not_inherit_the_first_answer(queue: Queue, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    claim = queue_items.claim_next_item(rob)
    submit.submit_first_answer(claim_id=claim.id, user=rob, answer="billing")
    pass_item(claim_id=claim.id, user=rob)
    assert not queue_items.claim_next_item(rita).revealed


# Undo


def test_undoing_reserves_a_fresh_slot_for_the_same_person(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    given = queue_items.judge_next(rob, "correct", answer="billing")
    fresh = undo.undo_verdict(verdict_id=given.id, user=rob)
    assert (fresh.item.id, fresh.revealed, fresh.first_answer) == (1, True, "billing")
    assert [slot.state for slot in Slot.objects.order_by("id")] == ["closed", "open"]
    assert Item.objects.get().settle_at is None
    submit.submit_verdict(claim_id=fresh.id, user=rob, kind="agree")
    (settled,) = queue_items.settle_verdicts()
    assert (settled.answer, settled.first_answer, settled.blind) == ("refund", "billing", True)
    assert [event.verb for event in log.events_about("verdict", given.id)] == ["submitted", "undone"]


def test_an_undone_verdict_is_kept_and_its_claim_is_closed(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    given = submit.submit_verdict(claim_id=claim.id, user=rob, kind="none")
    fresh = undo.undo_verdict(verdict_id=given.id, user=rob)
    assert undo.undo_verdict(verdict_id=given.id, user=rob) == fresh
    with pytest.raises(lease.ClaimLost):
        submit.submit_verdict(claim_id=claim.id, user=rob, kind="none")
    undone = Verdict.objects.get()
    assert undone.kind == "none"
    assert undone.undone_at is not None
    release_claim(claim_id=fresh.id, user=rob)
    with pytest.raises(lease.ClaimLost):
        undo.undo_verdict(verdict_id=given.id, user=rob)


def test_an_undone_verdict_is_shown_only_to_its_author(queue: Queue, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1)
    given = queue_items.judge_next(rob, "correct", answer="billing", note="twice")
    fresh = undo.undo_verdict(verdict_id=given.id, user=rob)
    assert fresh.undone is not None
    assert (fresh.undone.kind, fresh.undone.answer, fresh.undone.note) == ("correct", "billing", "twice")
    release_claim(claim_id=fresh.id, user=rob)
    assert queue_items.claim_next_item(rita).undone is None


def test_an_undone_verdict_is_hidden_while_the_proposal_is_hidden(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    fresh = undo.undo_verdict(verdict_id=queue_items.judge_next(rob).id, user=rob)
    assert fresh.undone is not None
    Slot.objects.open().update(answer_first=True)
    (hidden,) = list_held_claims(rob)
    assert not hidden.revealed
    assert hidden.undone is None


def test_undoing_cannot_exceed_ten_held_items(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(*range(1, 12))
    given = queue_items.judge_next(rob)
    held = [queue_items.claim_next_item(rob) for _ in range(10)]
    with pytest.raises(TooManyClaims, match="Decide or release one"):
        undo.undo_verdict(verdict_id=given.id, user=rob)
    release_claim(claim_id=held[0].id, user=rob)
    assert undo.undo_verdict(verdict_id=given.id, user=rob).item.id == 1
    assert undo.undo_verdict(verdict_id=given.id, user=rob).item.id == 1


def test_a_final_verdict_cannot_be_undone(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    given = queue_items.judge_next(rob)
    with pytest.raises(undo.VerdictFinal):
        undo.undo_verdict(verdict_id=given.id, user=rob, now=given.final_at)
    queue_items.settle_verdicts()
    with pytest.raises(undo.VerdictFinal):
        undo.undo_verdict(verdict_id=given.id, user=rob, now=queue_items.time_when_final())
    with pytest.raises(NotFound):
        undo.undo_verdict(verdict_id=10**9, user=rob)


def test_without_an_undo_window_a_verdict_is_final_immediately(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, undo_seconds=0)
    given = queue_items.judge_next(rob)
    with pytest.raises(undo.VerdictFinal):
        undo.undo_verdict(verdict_id=given.id, user=rob)
    assert labels.settle_due_items() == 1


def test_undoing_one_of_two_leaves_the_other_to_settle_later(queue: Queue, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    kept = queue_items.judge_next(rob)
    undone = queue_items.judge_next(rita)
    undo.undo_verdict(verdict_id=undone.id, user=rita)
    assert Item.objects.get().settle_at == kept.final_at


def test_a_withdrawn_items_verdict_cannot_be_undone(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    given = queue_items.judge_next(rob)
    withdraw_items(item_ids=[1], actor="key:1")
    with pytest.raises(lease.ItemWithdrawn):
        undo.undo_verdict(verdict_id=given.id, user=rob)


def test_a_lead_may_undo_the_final_say_and_decide_again(queue: Queue, rob: User, ann: User) -> None:
    queue_items.enqueue_items(1)
    queue_items.judge_next(rob, "escalate")
    queue_items.settle_verdicts()
    said = queue_items.judge_next(ann, "none")
    fresh = undo.undo_verdict(verdict_id=said.id, user=ann)
    assert fresh.final_say
    release_claim(claim_id=fresh.id, user=ann)
    assert queue_items.claim_next_item(ann).final_say


def test_the_final_say_cannot_escalate(queue: Queue, rob: User, ann: User) -> None:
    queue_items.enqueue_items(1)
    queue_items.judge_next(rob, "escalate")
    queue_items.settle_verdicts()
    claim = queue_items.claim_next_item(ann)
    with pytest.raises(submit.FinalSayError):
        submit.submit_verdict(claim_id=claim.id, user=ann, kind="escalate")


def test_a_former_lead_has_no_final_say(queue: Queue, rob: User, ann: User, rita: User) -> None:
    queue_items.enqueue_items(1, 2)
    for _ in range(2):
        queue_items.judge_next(rob, "escalate")
    queue_items.settle_verdicts()
    said, claim = queue_items.judge_next(ann, "none"), queue_items.claim_next_item(ann)
    User.objects.filter(pk=ann.pk).update(role="reviewer")  # `ann` itself still says lead
    acts: list[Callable[[], object]] = [
        lambda: submit.submit_verdict(claim_id=claim.id, user=ann, kind="agree"),
        lambda: undo.undo_verdict(verdict_id=said.id, user=ann),
        lambda: claim_claim(ann, claim.id),
        lambda: renew_claim(claim_id=claim.id, user=ann),
        lambda: release_claim(claim_id=claim.id, user=ann),
    ]
    for act in acts:
        with pytest.raises(roles.Forbidden, match="Only a lead"):
            act()
    assert list_held_claims(ann) == []
    assert claim_next(user=ann, slug="intents") is None
