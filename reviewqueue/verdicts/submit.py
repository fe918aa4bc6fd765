"""What people decide: say it once, keep it or take it back while it is not final.

Everything happens under the item's lock and the slot's, and only for the claim that is named: a reservation that
lapsed and was given on can do nothing any more, however late its answer comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from reviewqueue.activity import log
from reviewqueue.answers import schema
from reviewqueue.kernel.errors import DomainError, Invalid, NotFound
from reviewqueue.models import FirstAnswer, Item, Label, Slot, User, Verdict
from reviewqueue.queue import claim_query, slots
from reviewqueue.queue.claim import check_claim_limit, lock_claims
from reviewqueue.queue.claim_view import Claim
from reviewqueue.queue.lease import (
    ClaimId,
    ClaimLost,
    Holder,
    Lease,
    carry_over_first_answer,
    lock_lease,
    lock_live_lease,
    not_reserved_error,
    require_decidable_item,
    require_live_lease,
    saw_proposal_before,
)
from reviewqueue.verdicts import drafts, store, validation, wording
from reviewqueue.verdicts.store import ClaimRecord
from reviewqueue.verdicts.validation import VerdictContent

VerdictKind = Verdict.Kind


class VerdictExists(DomainError):
    """This claim was already answered, differently."""

    code = "verdict_exists"


class AnswerOrderError(DomainError):
    """The steps of an answer-first item came out of order."""

    code = "answer_first"


class VerdictFinal(DomainError):
    """Too late to take it back."""

    code = "verdict_final"


class FinalSayError(DomainError):
    """Whoever has the final say has to say it."""

    code = "final_say"


@dataclass(frozen=True, slots=True)
class SubmittedVerdict:
    """A verdict that is recorded; `repeated` when it already was, word for word."""

    id: int
    final_at: datetime
    repeated: bool


def submit_verdict(
    *,
    claim_id: str,
    user: User,
    kind: str,
    answer: Any = None,
    reason: str = "",
    note: str = "",
    error_type: str = "",
    active_seconds: float | None = None,
    slug: str | None = None,
    now: datetime | None = None,
) -> SubmittedVerdict:
    """Record a verdict; it is final after the item's undo window, and nothing follows from it before.

    `correct` with the answer that was proposed is stored as `agree`: it says the same. A final say needs one of its
    reasons (`wording.REASONS`). The same words again, also at the same time, give the same verdict. Raises Invalid,
    NotFound (also for a claim of another queue than `slug`, where that is named), NotAMember, ItemWithdrawn,
    ClaimLost, VerdictExists, AnswerFirst, FinalSay.
    """
    claim = ClaimId.parse(claim_id)
    with transaction.atomic():
        lease = lock_lease(claim, user=user, now=now)
        _check_queue(lease.slug, slug)
        record = store.load_claim_record(claim)
        earlier = None if record.earlier_verdict_id is None else Verdict.objects.get(pk=record.earlier_verdict_id)
        _authorise(lease, claim, user, record=record, earlier=earlier)
        # Only now: what is wrong with the words may tell what the proposal is.
        said = validation.validate_verdict(
            record.options, kind=kind, answer=answer, reason=reason, note=note, error_type=error_type
        )
        if earlier is not None:
            return _repeat_submission(earlier, said)
        validation.check_error_type(said, among=record.options.error_types)
        if lease.final_say:
            _check_final_say(said)
        submitted = _insert_verdict(lease, said, record=record, user=user, active_seconds=active_seconds)
        _record_event(submitted.id, said.kind, lease, user, verb="submitted", at=now)
    return submitted


def submit_first_answer(
    *,
    claim_id: str,
    user: User,
    kind: str = validation.ANSWER_KIND,
    answer: Any = None,
    remarks: Mapping[str, str] = MappingProxyType({}),
    slug: str | None = None,
    now: datetime | None = None,
) -> Claim:
    """Say what one thinks before the proposal is shown, and get it shown; it cannot be changed, only the verdict
    that follows may differ. The same again is answered the same. `remarks` (of `words.REMARKS`) are kept for that
    verdict. Raises as `submit` does."""
    claim = ClaimId.parse(claim_id)
    with transaction.atomic():
        lease = lock_live_lease(claim, user=user, now=now)
        _check_queue(lease.slug, slug)
        if not lease.answer_first:
            raise AnswerOrderError(_("The AI's answer is shown already: send the verdict itself."))
        told = validation.validate_first_answer(store.load_claim_record(claim).options, kind=kind, answer=answer)
        said_first = {"kind": kind, "answer": told, "at": lease.now}
        first, created = FirstAnswer.objects.get_or_create(
            slot_id=claim.slot, claim=claim.number, user=user, defaults=said_first
        )
        if not created and (first.kind != kind or not schema.answers_match(first.answer, told)):
            raise VerdictExists(_("You have already answered this; keep it or change it by your verdict."))
        if created:
            after = {"claim": claim_id, "kind": kind}
            log.record_event(
                actor=log.user_actor(user),
                verb="answered_first",
                object_type="item",
                object_id=lease.item_id,
                queue=lease.slug,
                after=after,
                at=now,
            )
            if any(remarks.values()):
                fields = {name: [text] for name, text in remarks.items()}
                drafts.save_draft(claim_id=claim_id, user=user, fields=fields, now=now)
        return claim_query.load_claim(claim.slot)


def undo_verdict(*, verdict_id: int, user: User, slug: str | None = None, now: datetime | None = None) -> Claim:
    """Take a verdict back while it is not final; a fresh slot is reserved for the same person, who goes on there.

    Twice is once: the second call answers with the fresh claim as long as it is held. Whoever holds ten items gives
    back or decides one of them first. Raises NotFound (also for somebody else's, and one of another queue than
    `slug`, where that is named), NotAMember, VerdictFinal, ItemWithdrawn, ClaimLost, TooManyClaims.
    """
    with transaction.atomic():
        claim, home = _claim_of(verdict_id, user)
        _check_queue(home, slug)
        # Before the item is locked, in the order in which a claim goes: ten means ten.
        lock_claims(user, home, now)
        lease = lock_lease(claim, user=user, now=now)
        verdict = Verdict.objects.get(pk=verdict_id)  # again, now that it is locked
        require_decidable_item(lease)
        if verdict.undone_at is not None:
            return _find_fresh_claim(lease, user)
        if verdict.final_at <= lease.now or _has_label(lease):
            raise VerdictFinal(_("This verdict is final: the time to undo it is over."))
        check_claim_limit(user, now)
        verdict.undone_at = lease.now
        verdict.save(update_fields=["undone_at"])
        fresh = _reserve_fresh_slot(lease, user)
        _reschedule_settlement(lease)
        _record_event(verdict.pk, verdict.kind, lease, user, verb="undone", at=now)
        return claim_query.load_claim(fresh.pk)


def find_author(verdict_id: int) -> Holder | None:
    """Who gave a verdict, and in which queue; None when there is none."""
    verdict = Verdict.objects.filter(pk=verdict_id).select_related("user", "item__queue").first()
    return None if verdict is None else Holder(verdict.item.queue.slug, verdict.user.username)


def _authorise(lease: Lease, claim: ClaimId, user: User, *, record: ClaimRecord, earlier: Verdict | None) -> None:
    """The person may speak about the item now, having seen its proposal; or they did, by this claim."""
    if earlier is None:
        require_live_lease(lease, claim, user=user)
        if lease.answer_first and record.first_answer is None:
            raise AnswerOrderError(_("Answer first: the AI's answer is shown after yours."))
    elif earlier.user_id != user.pk:
        raise not_reserved_error()
    elif earlier.undone_at is not None:
        raise ClaimLost(_("You took this verdict back; go on with the item's new reservation."))


def _check_final_say(said: VerdictContent) -> None:
    """A final say says something, and why it was needed: that is what a stream learns from it."""
    if said.kind == VerdictKind.ESCALATE:
        raise FinalSayError(_("The final say is yours: it cannot be passed up any further."))
    if said.reason not in wording.FINAL_SAY_REASONS:
        detail = _("A final say needs a reason: %(reasons)s.") % {"reasons": ", ".join(wording.FINAL_SAY_REASONS)}
        raise Invalid(detail, [{"pointer": "/reason", "detail": detail}])


def _repeat_submission(earlier: Verdict, said: VerdictContent) -> SubmittedVerdict:
    if not said.matches(earlier):
        raise VerdictExists(_("You have already decided this item, differently. Undo that first, while you can."))
    return SubmittedVerdict(id=earlier.pk, final_at=earlier.final_at, repeated=True)


def _insert_verdict(
    lease: Lease, said: VerdictContent, *, record: ClaimRecord, user: User, active_seconds: float | None
) -> SubmittedVerdict:
    first, final_at = record.first_answer, lease.now + timedelta(seconds=lease.undo_seconds)
    verdict = {
        "slot_id": lease.slot_id,
        "item_id": lease.item_id,
        "round": lease.round,
        "user_id": user.pk,
        "claim": lease.claim,
        "kind": said.kind,
        "answer": said.answer,
        "first_answer": _first_answer_of(said, record),
        "first_at": lease.now if first is None else first.at,
        "proposal_visible": first is None or saw_proposal_before(lease, user=user, at=first.at),
        "final_say": lease.final_say,
        "reason": said.reason,
        "note": said.note,
        "error_type": said.error_type,
        "active_seconds": _limit_active_seconds(lease, active_seconds),
        "schema_number": record.schema_number,
        "guideline_number": lease.guideline_number,
        "submitted_at": lease.now,
        "final_at": final_at,
    }
    return SubmittedVerdict(id=store.insert_verdict(verdict), final_at=final_at, repeated=False)


def _first_answer_of(said: VerdictContent, record: ClaimRecord) -> Any:
    """What they said first, in one spelling, so that whoever compares answers later need not know when two
    spellings are the same."""
    told, proposal = said.answer if record.first_answer is None else record.first_answer.answer, record.options.proposal
    return proposal if told is not None and schema.answers_match(told, proposal) else told


def _limit_active_seconds(lease: Lease, seconds: float | None) -> float | None:
    """Nobody works longer on an item than they hold it, whatever their browser counted."""
    if seconds is None or lease.reserved_at is None:
        return None
    return min(max(0.0, seconds), (lease.now - lease.reserved_at).total_seconds())


def _claim_of(verdict_id: int, user: User) -> tuple[ClaimId, str]:
    """The claim by which a verdict was given, and its queue."""
    verdict = Verdict.objects.filter(pk=verdict_id, user=user).select_related("item__queue").first()
    if verdict is None:
        raise NotFound(_("There is no such verdict of yours."))
    return ClaimId(slot=verdict.slot_id, number=verdict.claim), verdict.item.queue.slug


def _check_queue(home: str, slug: str | None) -> None:
    """A claim is one of its own queue's: where another is named, it does not exist."""
    if slug is not None and slug != home:
        raise not_reserved_error()


def _has_label(lease: Lease) -> bool:
    """The round has its label already: said apart from the time, because a clock may be set back."""
    return Label.objects.filter(item_id=lease.item_id, round=lease.round).exists()


def _reserve_fresh_slot(lease: Lease, user: User) -> Slot:
    # Closed first: open or judged, it would count as the person's one slot of this item.
    Slot.objects.filter(pk=lease.slot_id).update(state=Slot.State.CLOSED)
    slot = Slot.objects.create(
        item_id=lease.item_id,
        queue_id=lease.queue_id,
        round=lease.round,
        kind=lease.kind,
        lane=lease.lane,
        rank=lease.rank,
        answer_first=lease.answer_first,
        holder=user,
        claim=1,
        reserved_at=lease.now,
        reserved_until=lease.now + lease.reserve_time,
    )
    carry_over_first_answer(slot=slot.pk, claim=1, user=user)
    slots.rewind_cursors([(lease.queue_id, lease.lane, lease.rank)])
    return slot


def _find_fresh_claim(lease: Lease, user: User) -> Claim:
    held = Slot.objects.open().filter(
        item_id=lease.item_id, round=lease.round, holder=user, reserved_until__gt=lease.now
    )
    slot = held.first()
    if slot is None:
        raise ClaimLost(_("You took this verdict back already, and the item is back in the queue."))
    return claim_query.load_claim(slot.pk)


def _reschedule_settlement(lease: Lease) -> None:
    """The item is looked at when the latest of the verdicts that still count is final; without any, never."""
    counting = Verdict.objects.counting().filter(item_id=lease.item_id, round=lease.round)
    latest = counting.aggregate(latest=Max("final_at"))["latest"]
    Item.objects.filter(pk=lease.item_id).update(settle_at=latest)


def _record_event(verdict: int, kind: str, lease: Lease, user: User, *, verb: str, at: datetime | None) -> None:
    after = {"item": str(lease.item_id), "kind": kind, "round": lease.round}
    actor = log.user_actor(user)
    log.record_event(
        actor=actor, verb=verb, object_type="verdict", object_id=verdict, queue=lease.slug, after=after, at=at
    )
