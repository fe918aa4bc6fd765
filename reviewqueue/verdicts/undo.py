"""Undo verdicts before they are final."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from reviewqueue.accounts.roles import Forbidden
from reviewqueue.kernel.errors import DomainError, NotFound
from reviewqueue.models import Item, Label, Slot, User, Verdict
from reviewqueue.queue import claim_query, slots
from reviewqueue.queue.claim import check_claim_limit, lock_claims
from reviewqueue.queue.claim_view import Claim
from reviewqueue.queue.lease import (
    ClaimId,
    ClaimLost,
    Lease,
    ReviewKey,
    carry_over_first_answer,
    lock_lease,
    require_decidable_item,
)
from reviewqueue.verdicts.submit import check_queue, record_event


class VerdictFinal(DomainError):
    """The verdict is final, so it can no longer be undone."""

    code = "verdict_final"


def undo_verdict(
    *,
    verdict_id: int,
    user: User,
    slug: str | None = None,
    key: ReviewKey | None = None,
    now: datetime | None = None,
) -> Claim:
    """Undo a verdict before it is final, and reserve a fresh slot of the item for the same person.

    An API key (`key`) can undo only what a key reported. Idempotent: a second call returns the fresh claim as long as
    it is held. Raises NotFound (also for somebody else's verdict, and for one of another queue than `slug`, if given),
    NotAMember, Forbidden, VerdictFinal, ItemWithdrawn, ClaimLost, and TooManyClaims for a person who already holds ten
    items.
    """
    with transaction.atomic():
        claim, queue = _claim_of(verdict_id, user)
        check_queue(queue, slug)
        # Before the item's lock, in the same order as a claim, so that nobody can exceed ten held items.
        lock_claims(user, queue, now)
        lease = lock_lease(claim, user=user, now=now)
        verdict = Verdict.objects.get(pk=verdict_id)  # read again, now under the lock
        require_decidable_item(lease)
        if key is not None and verdict.key_id is None:
            raise Forbidden(_("This was decided at the desk, so an API key cannot undo it."))
        if verdict.undone_at is not None:
            return _find_fresh_claim(lease, user)
        if verdict.final_at <= lease.now or _has_label(lease):
            raise VerdictFinal(_("This verdict is final and can no longer be undone."))
        check_claim_limit(user, now)
        verdict.undone_at = lease.now
        verdict.save(update_fields=["undone_at"])
        fresh = _reserve_fresh_slot(lease, user, key)
        _reschedule_settlement(lease)
        record_event(verdict.pk, verdict.kind, lease, user, key=key, verb="undone", at=now)
        return claim_query.load_claim(fresh.pk)


def _claim_of(verdict_id: int, user: User) -> tuple[ClaimId, str]:
    """The claim of a person's verdict, and the slug of its queue. Raises NotFound."""
    verdict = Verdict.objects.filter(pk=verdict_id, user=user).select_related("item__queue").first()
    if verdict is None:
        raise NotFound(_("You have no such verdict."))
    return ClaimId(slot=verdict.slot_id, number=verdict.claim), verdict.item.queue.slug


def _has_label(lease: Lease) -> bool:
    """Whether the round already has its label; checked in addition to the time because a clock may be set back."""
    return Label.objects.filter(item_id=lease.item_id, round=lease.round).exists()


def _reserve_fresh_slot(lease: Lease, user: User, key: ReviewKey | None) -> Slot:
    # Close the old slot first: open or judged, it would count as the person's one slot of this item.
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
        key_id=key.id if key else None,
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
        raise ClaimLost(_("You already undid this verdict, and the item is back in the queue."))
    return claim_query.load_claim(slot.pk)


def _reschedule_settlement(lease: Lease) -> None:
    """Settle the item when the latest verdict that still counts becomes final; without any, clear `settle_at`."""
    counting = Verdict.objects.counting().filter(item_id=lease.item_id, round=lease.round)
    latest = counting.aggregate(latest=Max("final_at"))["latest"]
    Item.objects.filter(pk=lease.item_id).update(settle_at=latest)
