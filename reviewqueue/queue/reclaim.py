"""An item whose reservation was lost: who has it now, and taking the very same one up again while it is free."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from reviewqueue.kernel import clock, sql
from reviewqueue.models import Slot, User
from reviewqueue.queue import claim_query, lease
from reviewqueue.queue.claim import FREE, HOLDS, MOST_HELD, TooManyClaims, enter
from reviewqueue.queue.claim_view import Claim
from reviewqueue.queue.lease import ClaimId, ClaimLost


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with a lost item, in a sentence; `free` when this person can take it up again."""

    sentence: str
    free: bool = False
    closed: bool = False


_SLOT = f"""
SELECT s.id, s.state, s.holder_id, s.reserved_until > %(now)s AS live, q.slug,
    COALESCE(NULLIF(TRIM(h.first_name || ' ' || h.last_name), ''), h.username) AS holder,
    {lease.HELD} AS held,
    s.state = 'open' AND {lease.HELD} AND {FREE} AND (s.kind <> 'final' OR {lease.LEADS}) AS free
FROM reviewqueue_slot s
JOIN reviewqueue_queue q ON q.id = s.queue_id
LEFT JOIN reviewqueue_user h ON h.id = s.holder_id
WHERE s.id = %(slot)s AND s.claim >= %(number)s
"""  # noqa: S608 - put together from constants, not from input
# The condition stands on the row that is locked: whoever waited for it while somebody else took it gets nothing.
_TAKE = f"""
WITH picked AS MATERIALIZED (
    SELECT s.id, s.item_id, s.holder_id, s.reserved_at, s.answer_first FROM reviewqueue_slot s
    WHERE s.id = %(slot)s AND s.state = 'open' AND {lease.HELD} AND {FREE}
      AND (s.kind <> 'final' OR %(leading)s) AND {HOLDS} < %(most)s
    FOR UPDATE OF s
), lapsed AS ({lease.SEEN.format(slots="picked")})
UPDATE reviewqueue_slot t SET holder_id = %(user)s, claim = t.claim + 1, reserved_at = %(now)s,
    reserved_until = %(now)s + make_interval(mins => %(minutes)s)
FROM picked WHERE t.id = picked.id
RETURNING t.id, t.claim, t.answer_first
"""  # noqa: S608 - put together from constants, not from input


def standing(*, claim_id: str, user: User, now: datetime | None = None) -> Standing:
    """Where the item of a claim is now. Raises NotFound for a claim that was never given out."""
    row = _slot(ClaimId.parse(claim_id), user, clock.current(now))
    mine = row["holder_id"] == user.pk
    if row["state"] == Slot.State.OPEN and row["live"]:
        return Standing(_("You have it again, by another reservation."), free=True) if mine else _taken(row)
    if row["state"] == Slot.State.JUDGED:
        return Standing(_("You have decided it.") if mine else _("It has been decided in the meantime."))
    if row["state"] == Slot.State.CLOSED:
        return Standing(_("It is closed; your answer is not needed any more."), closed=True)
    if row["free"]:
        return Standing(_("It is back in the queue, and nobody has it yet."), free=True)
    return Standing(_("It is back in the queue, for the others."))


def take_again(*, claim_id: str, user: User, slug: str, now: datetime | None = None) -> Claim:
    """Reserve the item of a lost claim once more, under all the rules of `claims.claim_next`; the item that the
    person has already, if it is this one.

    Raises NotFound, NotAMember, TooManyClaims, and ClaimLost with how it stands when it is not free for them.
    """
    claim = ClaimId.parse(claim_id)
    try:
        with transaction.atomic():
            return _take(claim, user=user, slug=slug, now=now)
    except IntegrityError as error:
        # Another slot of the same item became theirs in between.
        if "one_slot_per_person" not in str(error):
            raise
        raise ClaimLost(_("You have this item by another reservation already.")) from error


def _take(claim: ClaimId, *, user: User, slug: str, now: datetime | None) -> Claim:
    _slot(claim, user, clock.current(now), slug=slug)
    place = enter(user, slug, now)
    row = _slot(claim, user, place.now, slug=slug)
    if row["live"] and row["holder_id"] == user.pk and row["state"] == Slot.State.OPEN:
        return claim_query.view(claim.slot)
    parameters = {"slot": claim.slot, "user": user.pk, "now": place.now}
    wanted = {"leading": place.leads, "most": MOST_HELD, "minutes": place.reserve_minutes}
    taken = sql.row(_TAKE, parameters | wanted)
    if taken is None:
        raise _refusal(claim, user, free=row["free"], now=now)
    if taken["answer_first"]:
        lease.carry_over(slot=taken["id"], claim=taken["claim"], user=user)
    return claim_query.view(taken["id"])


def _refusal(claim: ClaimId, user: User, *, free: bool, now: datetime | None) -> Exception:
    """Free, and yet not taken: they hold as many as anybody may, or somebody was quicker."""
    found = standing(claim_id=str(claim), user=user, now=now)
    if free and found.free:
        return TooManyClaims(
            _("You hold %(most)s items already; finish or give back one of them first.") % {"most": MOST_HELD}
        )
    return ClaimLost(found.sentence)


def _slot(claim: ClaimId, user: User, now: datetime, *, slug: str | None = None) -> sql.Row:
    """The slot as it is; in a named queue only if the person had it once, so that nobody picks what they like."""
    parameters = {"slot": claim.slot, "number": claim.number, "user": user.pk, "now": now, "leads": lease.leading()}
    row = sql.row(_SLOT, parameters)
    if row is None or (slug is not None and not (row["slug"] == slug and row["held"])):
        raise lease.not_reserved()
    return row


def _taken(row: sql.Row) -> Standing:
    """Who has it is told to whom it was theirs once."""
    return Standing(_("%(person)s has it now.") % {"person": row["holder"] if row["held"] else _("Somebody else")})
