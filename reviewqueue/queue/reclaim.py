"""A lost reservation: where its item is now, and reserving the same item again while it is free."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from reviewqueue.kernel import clock, sql
from reviewqueue.models import Slot, User
from reviewqueue.queue import claim_queries, claim_query, lease
from reviewqueue.queue.claim import MAX_HELD_ITEMS, TooManyClaims, lock_claims
from reviewqueue.queue.claim_view import Claim
from reviewqueue.queue.lease import ClaimId, ClaimLost


@dataclass(frozen=True, slots=True)
class LostItemStatus:
    """Where a lost item is now, in a sentence.

    `free` when this person can reserve it again; `closed` when they need not, because it or their part is done.
    """

    message: str
    free: bool = False
    closed: bool = False


def get_lost_item_status(*, claim_id: str, user: User, now: datetime | None = None) -> LostItemStatus:
    """Where the item of a claim is now. Raises NotFound for a claim that never existed."""
    row = _find_slot(ClaimId.parse(claim_id), user, clock.current_time(now))
    mine = row["holder_id"] == user.pk
    if row["state"] == Slot.State.OPEN and row["live"]:
        return LostItemStatus(_("You have reserved it again."), free=True) if mine else _taken_status(row)
    if row["state"] == Slot.State.JUDGED:
        return (
            LostItemStatus(_("You have already decided it."), closed=True)
            if mine
            else LostItemStatus(_("Someone else has decided it."))
        )
    if row["state"] == Slot.State.CLOSED:
        return LostItemStatus(_("It is closed; your answer is no longer needed."), closed=True)
    if row["free"]:
        return LostItemStatus(_("It is back in the queue, and you can reserve it again."), free=True)
    return LostItemStatus(_("It is back in the queue for other reviewers."))


def reclaim_item(*, claim_id: str, user: User, slug: str, now: datetime | None = None) -> Claim:
    """Reserve the item of a lost claim again, under all the rules of `claim.claim_next`.

    If the person already holds this slot, returns that claim. Raises NotFound, NotAMember, TooManyClaims, and
    ClaimLost, which says where the item is, when they cannot have it.
    """
    claim = ClaimId.parse(claim_id)
    try:
        with transaction.atomic():
            return _reclaim_slot(claim, user=user, slug=slug, now=now)
    except IntegrityError as error:
        # They got another slot of the same item in the meantime.
        if "one_slot_per_person" not in str(error):
            raise
        raise ClaimLost(_("You have already reserved this item.")) from error


def _reclaim_slot(claim: ClaimId, *, user: User, slug: str, now: datetime | None) -> Claim:
    _find_slot(claim, user, clock.current_time(now), slug=slug)
    context = lock_claims(user, slug, now)
    row = _find_slot(claim, user, context.now, slug=slug)
    if row["live"] and row["holder_id"] == user.pk and row["state"] == Slot.State.OPEN:
        return claim_query.load_claim(claim.slot)
    parameters = {"slot": claim.slot, "user": user.pk, "now": context.now}
    limits = {"leading": context.leads, "most": MAX_HELD_ITEMS, "minutes": context.reserve_minutes}
    taken = sql.fetch_row(claim_queries.RECLAIM_SLOT, parameters | limits)
    if taken is None:
        raise _reclaim_error(claim, user, free=row["free"], now=now)
    if taken["answer_first"]:
        lease.carry_over_first_answer(slot=taken["id"], claim=taken["claim"], user=user)
    return claim_query.load_claim(taken["id"])


def _reclaim_error(claim: ClaimId, user: User, *, free: bool, now: datetime | None) -> Exception:
    """Why a slot could not be reserved: the person holds too many items, or somebody else was quicker."""
    status = get_lost_item_status(claim_id=str(claim), user=user, now=now)
    if free and status.free:
        return TooManyClaims(
            _("You already hold %(most)s items. Decide or release one of them first.") % {"most": MAX_HELD_ITEMS}
        )
    return ClaimLost(status.message)


def _find_slot(claim: ClaimId, user: User, now: datetime, *, slug: str | None = None) -> sql.SqlRow:
    """The slot's row. With `slug`, only a slot of that queue that the person once held: nobody can pick items freely.

    Raises NotFound.
    """
    parameters = {"slot": claim.slot, "number": claim.number, "user": user.pk, "now": now, "leads": lease.lead_roles()}
    row = sql.fetch_row(claim_queries.SELECT_LOST_SLOT, parameters)
    if row is None or (slug is not None and not (row["slug"] == slug and row["held"])):
        raise lease.not_reserved_error()
    return row


def _taken_status(row: sql.SqlRow) -> LostItemStatus:
    """Name the holder only to people who once held the slot themselves."""
    return LostItemStatus(_("%(person)s has it now.") % {"person": row["holder"] if row["held"] else _("Someone else")})
