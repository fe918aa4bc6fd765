"""Submit verdicts and first answers.

Everything happens under the locks of the item and the slot, and only for the claim that is named: a reservation that
expired and went to somebody else can no longer do anything, however late its answer arrives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from reviewqueue.activity import log
from reviewqueue.answers import schema
from reviewqueue.kernel.errors import DomainError, Invalid
from reviewqueue.models import FirstAnswer, User, Verdict
from reviewqueue.queue import claim_query
from reviewqueue.queue.claim_view import Claim
from reviewqueue.queue.lease import (
    ClaimId,
    ClaimLost,
    Holder,
    Lease,
    ReviewKey,
    lock_lease,
    lock_live_lease,
    not_reserved_error,
    opened_at_desk_error,
    require_live_lease,
    saw_proposal_before,
)
from reviewqueue.verdicts import drafts, settlement, store, validation, wording
from reviewqueue.verdicts.store import ClaimRecord
from reviewqueue.verdicts.validation import VerdictContent

VerdictKind = Verdict.Kind


class VerdictExists(DomainError):
    """This claim already has a different verdict or first answer."""

    code = "verdict_exists"


class AnswerOrderError(DomainError):
    """The steps of an answer-first item arrived out of order."""

    code = "answer_first"


class FinalSayError(DomainError):
    """A final say must decide: it cannot escalate again."""

    code = "final_say"


@dataclass(frozen=True, slots=True)
class SubmittedVerdict:
    """A recorded verdict; `repeated` when an identical one was already recorded."""

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
    key: ReviewKey | None = None,
    now: datetime | None = None,
) -> SubmittedVerdict:
    """Record a verdict; it becomes final after the item's undo window and has no effect before that.

    `key` is the API key that reports it, None at the desk. `correct` with exactly the proposed answer is stored as
    `agree`. A final say on opinions that differ needs one of `wording.FINAL_SAY_REASONS`.
    An identical repeat, even a concurrent one, returns the same verdict. Raises Invalid, NotFound (also for a claim
    of another queue than `slug`, if given), NotAMember, Forbidden, ItemWithdrawn, ClaimLost, VerdictExists,
    AnswerOrderError, FinalSayError.
    """
    claim = ClaimId.parse(claim_id)
    with transaction.atomic():
        lease = lock_lease(claim, user=user, now=now)
        check_queue(lease.slug, slug)
        record = store.load_claim_record(claim)
        earlier = None if record.earlier_verdict_id is None else Verdict.objects.get(pk=record.earlier_verdict_id)
        _authorise(lease, claim, user, key=key, record=record, earlier=earlier)
        # Only now: a validation error can reveal the proposal.
        verdict = validation.validate_verdict(
            record.options, kind=kind, answer=answer, reason=reason, note=note, error_type=error_type
        )
        if earlier is not None:
            return _repeat_submission(earlier, verdict)
        validation.check_error_type(verdict, among=record.options.error_types)
        if lease.final_say:
            _check_final_say(verdict, lease)
        submitted = _insert_verdict(lease, verdict, record=record, user=user, key=key, active_seconds=active_seconds)
        record_event(submitted.id, verdict.kind, lease, user, key=key, verb="submitted", at=now)
    return submitted


def submit_first_answer(
    *,
    claim_id: str,
    user: User,
    kind: str = validation.ANSWER_KIND,
    answer: Any = None,
    remarks: Mapping[str, str] = MappingProxyType({}),
    slug: str | None = None,
    key: ReviewKey | None = None,
    now: datetime | None = None,
) -> Claim:
    """Record the person's answer before the proposal is shown, and return the claim with the proposal.

    A first answer cannot be changed; only the verdict that follows may differ. An identical repeat returns the same
    claim. `remarks` (by `validation.REMARK_FIELDS`) are saved as a draft for that verdict. Raises as `submit_verdict`
    does.
    """
    claim = ClaimId.parse(claim_id)
    with transaction.atomic():
        lease = lock_live_lease(claim, user=user, key=key, now=now)
        check_queue(lease.slug, slug)
        if not lease.answer_first:
            raise AnswerOrderError(_("The AI's answer is already shown. Send the verdict itself."))
        normalized = validation.validate_first_answer(store.load_claim_record(claim).options, kind=kind, answer=answer)
        first, created = FirstAnswer.objects.get_or_create(
            slot_id=claim.slot,
            claim=claim.number,
            user=user,
            defaults={"kind": kind, "answer": normalized, "at": lease.now, "key_id": key.id if key else None},
        )
        if not created and (first.kind != kind or not schema.is_same_answer(first.answer, normalized)):
            raise VerdictExists(_("You have already given a first answer. Keep or change it with your verdict."))
        if created:
            after = {"claim": claim_id, "kind": kind} | _key_fields(key)
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


def find_author(verdict_id: int) -> Holder | None:
    """Who gave a verdict, and in which queue; None if it does not exist."""
    verdict = Verdict.objects.filter(pk=verdict_id).select_related("user", "item__queue").first()
    return None if verdict is None else Holder(verdict.item.queue.slug, verdict.user.username)


def _authorise(
    lease: Lease, claim: ClaimId, user: User, *, key: ReviewKey | None, record: ClaimRecord, earlier: Verdict | None
) -> None:
    """Require that the person may submit a verdict now and has seen the proposal, or already did under this claim."""
    if earlier is None:
        require_live_lease(lease, claim, user=user, key=key)
        if lease.answer_first and record.first_answer is None:
            raise AnswerOrderError(_("Answer first; the AI's answer is shown after yours."))
    elif earlier.user_id != user.pk:
        raise not_reserved_error()
    elif key is not None and earlier.key_id is None:
        raise opened_at_desk_error(user)
    elif earlier.undone_at is not None:
        raise ClaimLost(_("You undid this verdict. Continue with the item's new reservation."))


def _check_final_say(verdict: VerdictContent, lease: Lease) -> None:
    """Require that a final say decides and, where opinions differ, says why: that shows what to improve."""
    if verdict.kind == VerdictKind.ESCALATE:
        raise FinalSayError(_("You have the final say, so you cannot ask a lead again."))
    given = Verdict.objects.counting().filter(item_id=lease.item_id, round=lease.round)
    differ = settlement.opinions_differ(settlement.build_vote(one.kind, one.answer) for one in given)
    if differ and verdict.reason not in wording.FINAL_SAY_REASONS:
        detail = _("A final say needs one of these reasons: %(reasons)s.") % {
            "reasons": ", ".join(wording.FINAL_SAY_REASONS)
        }
        raise Invalid(detail, [{"pointer": "/reason", "detail": detail}])


def _repeat_submission(earlier: Verdict, verdict: VerdictContent) -> SubmittedVerdict:
    if not verdict.matches(earlier):
        raise VerdictExists(
            _("You have already decided this item differently. Undo that verdict first, if you still can.")
        )
    return SubmittedVerdict(id=earlier.pk, final_at=earlier.final_at, repeated=True)


def _insert_verdict(
    lease: Lease,
    verdict: VerdictContent,
    *,
    record: ClaimRecord,
    user: User,
    key: ReviewKey | None,
    active_seconds: float | None,
) -> SubmittedVerdict:
    first, final_at = record.first_answer, lease.now + timedelta(seconds=lease.undo_seconds)
    row = {
        "slot_id": lease.slot_id,
        "item_id": lease.item_id,
        "round": lease.round,
        "user_id": user.pk,
        "claim": lease.claim,
        "key_id": key.id if key else None,
        "kind": verdict.kind,
        "answer": verdict.answer,
        "first_answer": verdict.answer if first is None else first.answer,
        "first_at": lease.now if first is None else first.at,
        "proposal_visible": first is None or not first.blind or saw_proposal_before(lease, user=user, at=first.at),
        "final_say": lease.final_say,
        "reason": verdict.reason,
        "note": verdict.note,
        "error_type": verdict.error_type,
        "active_seconds": _limit_active_seconds(lease, active_seconds),
        "schema_number": record.schema_number,
        "guideline_number": lease.guideline_number,
        "submitted_at": lease.now,
        "final_at": final_at,
    }
    return SubmittedVerdict(id=store.insert_verdict(row), final_at=final_at, repeated=False)


def _limit_active_seconds(lease: Lease, seconds: float | None) -> float | None:
    """Limit active time to between 0 and the time the item was held, whatever the browser reported."""
    if seconds is None or lease.reserved_at is None:
        return None
    return min(max(0.0, seconds), (lease.now - lease.reserved_at).total_seconds())


def check_queue(queue: str, slug: str | None) -> None:
    """Raise NotFound when `slug` is given and is not the claim's queue."""
    if slug is not None and slug != queue:
        raise not_reserved_error()


def record_event(
    verdict: int, kind: str, lease: Lease, user: User, *, key: ReviewKey | None, verb: str, at: datetime | None
) -> None:
    """Record what happened to a verdict, and through which API key."""
    after = {"item": str(lease.item_id), "kind": kind, "round": lease.round} | _key_fields(key)
    actor = log.user_actor(user)
    log.record_event(
        actor=actor, verb=verb, object_type="verdict", object_id=verdict, queue=lease.slug, after=after, at=at
    )


def _key_fields(key: ReviewKey | None) -> dict[str, Any]:
    """What an event says of the API key through which a person's act arrived."""
    return {} if key is None else {"key": key.id, "key_name": key.name}
