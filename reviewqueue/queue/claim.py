"""Claim a slot, renew the claim, release it, or pass the item on.

A claim is one statement: it finds the first free slot that this person may take and reserves it, with the condition
on the row that it locks. A reservation is not a state change and leaves no event: it ends by the clock, and the slot's
row says who held it last. Passing an item is recorded.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from reviewqueue.accounts.roles import NotAMember
from reviewqueue.activity import log
from reviewqueue.answers import text
from reviewqueue.kernel import sql
from reviewqueue.kernel.errors import DomainError, NotFound
from reviewqueue.models import Pass, User
from reviewqueue.models.items import Lane
from reviewqueue.queue import claim_query, slots
from reviewqueue.queue.claim_view import Claim
from reviewqueue.queue.lease import (
    INSERT_SEEN,
    IS_LEAD,
    IS_MEMBER,
    ClaimId,
    Lease,
    carry_over_first_answer,
    lead_roles,
    lock_lease,
    lock_live_lease,
    read_lease,
    require_live_lease,
    reviewer_roles,
)

MAX_HELD_ITEMS = 10
# A cursor is worth saving once this many slots precede the claimed one; counting stops there.
CURSOR_MIN_SLOTS = 64
# The longest a cursor may hide a slot that became free without rewinding it.
CURSOR_RECHECK_SECONDS = 300
_MAX_CLAIM_TRIES = 5
_RNG = random.Random()
_CLAIM_LOCK_NAMESPACE = 0x52_51_43  # the first key of our two-key advisory locks


class TooManyClaims(DomainError):
    """The person already holds as many items as allowed."""

    code = "too_many_claims"


@dataclass(frozen=True, slots=True)
class ClaimContext:
    """What a claim needs to know about a queue and the person before it searches for a slot."""

    queue_id: int
    checks_share: float
    reserve_minutes: int
    member: bool
    leads: bool
    cursors: list[int]  # the lanes in which this person has a cursor
    now: datetime


# One person's claims go one after the other: their second tab sees what the first one took, and ten means ten.
_SELECT_CLAIM_CONTEXT = f"""
SELECT q.id AS queue_id, q.checks_share, q.reserve_minutes, {IS_MEMBER} AS member,
    {IS_LEAD} AS leads,
    ARRAY(SELECT k.lane FROM reviewqueue_claimcursor k WHERE k.user_id = %(user)s AND k.queue_id = q.id) AS cursors,
    COALESCE(%(now)s::timestamptz, clock_timestamp()) AS now
FROM reviewqueue_queue q, pg_advisory_xact_lock(%(space)s, (%(user)s %% 2147483648)::int)
WHERE q.slug = %(slug)s
"""  # noqa: S608 - put together from constants, not from input

# Whether open slot `s` is free, and for this person: nobody judges an item twice in a round, takes back a pass, or has
# the final say on what they said.
# OFFSET 0 keeps each question a probe of an index per slot looked at; flattened into joins they invite a plan that
# first reads everything the person ever judged.
IS_FREE_SLOT = """
(s.reserved_until IS NULL OR s.reserved_until <= %(now)s)
      AND NOT EXISTS (SELECT FROM reviewqueue_slot mine
          WHERE mine.item_id = s.item_id AND mine.round = s.round AND mine.holder_id = %(user)s
            AND mine.state IN ('open', 'judged') AND mine.id <> s.id OFFSET 0)
      AND NOT EXISTS (SELECT FROM reviewqueue_pass p
          WHERE p.item_id = s.item_id AND p.round = s.round AND p.user_id = %(user)s OFFSET 0)
      AND (s.kind <> 'final' OR NOT EXISTS (SELECT FROM reviewqueue_verdict v
          WHERE v.item_id = s.item_id AND v.user_id = %(user)s AND (v.undone_at IS NULL OR NOT v.final_say) OFFSET 0))
"""
HELD_ITEM_COUNT = """
(SELECT count(*) FROM reviewqueue_slot h
          WHERE h.holder_id = %(user)s AND h.state = 'open' AND h.reserved_until > %(now)s)
"""
_CLAIM_SLOT = f"""
WITH start AS MATERIALIZED (
    SELECT rank, slot_id FROM reviewqueue_claimcursor
    WHERE user_id = %(user)s AND queue_id = %(queue)s AND lane = %(lane)s AND recheck_at > %(now)s AND NOT %(from_head)s
), picked AS MATERIALIZED (
    SELECT s.id, s.item_id, s.holder_id, s.reserved_at, s.answer_first FROM reviewqueue_slot s
    WHERE s.queue_id = %(queue)s AND s.lane = %(lane)s AND s.state = 'open'
      AND (s.rank, s.id) > (COALESCE((SELECT rank FROM start), '-infinity'), COALESCE((SELECT slot_id FROM start), 0))
      AND {IS_FREE_SLOT} AND {HELD_ITEM_COUNT} < %(most)s
    ORDER BY s.rank, s.id LIMIT 1 FOR UPDATE OF s SKIP LOCKED
), lapsed AS ({INSERT_SEEN.format(slots="picked")})
UPDATE reviewqueue_slot t SET holder_id = %(user)s, claim = t.claim + 1, reserved_at = %(now)s,
    reserved_until = %(now)s + make_interval(mins => %(minutes)s)
FROM picked WHERE t.id = picked.id
RETURNING t.id, t.claim, t.rank, t.lane, t.answer_first, (
    SELECT count(*) FROM (SELECT FROM reviewqueue_slot b
        WHERE b.queue_id = t.queue_id AND b.lane = t.lane AND b.state = 'open' AND (b.rank, b.id) < (t.rank, t.id)
          AND (b.rank, b.id) > (COALESCE((SELECT rank FROM start), '-infinity'),
                                COALESCE((SELECT slot_id FROM start), 0))
        LIMIT %(passed_by)s) passed) AS passed
"""  # noqa: S608 - put together from constants, not from input
# Everything before the claimed slot is known not to be for this person until a reservation that was passed by may
# have lapsed, or one that an earlier, still valid cursor passed by.
_SAVE_CURSOR = """
WITH start AS MATERIALIZED (
    SELECT rank, slot_id, recheck_at FROM reviewqueue_claimcursor
    WHERE user_id = %(user)s AND queue_id = %(queue)s AND lane = %(lane)s AND recheck_at > %(now)s AND NOT %(from_head)s
), ends AS MATERIALIZED (
    SELECT LEAST(%(now)s + make_interval(secs => %(recheck)s), (SELECT recheck_at FROM start),
        (SELECT min(b.reserved_until) FROM reviewqueue_slot b
         WHERE b.queue_id = %(queue)s AND b.lane = %(lane)s AND b.state = 'open' AND b.reserved_until > %(now)s
           AND (b.rank, b.id) < (%(rank)s, %(slot)s)
           AND (b.rank, b.id) > (COALESCE((SELECT rank FROM start), '-infinity'),
                                 COALESCE((SELECT slot_id FROM start), 0)))) AS recheck_at
), moved AS (
    UPDATE reviewqueue_claimcursor k SET rank = %(rank)s, slot_id = %(slot)s, recheck_at = ends.recheck_at
    FROM ends WHERE k.id = (
        SELECT id FROM reviewqueue_claimcursor
        WHERE user_id = %(user)s AND queue_id = %(queue)s AND lane = %(lane)s FOR UPDATE SKIP LOCKED)
    RETURNING k.id
)
INSERT INTO reviewqueue_claimcursor (user_id, queue_id, lane, rank, slot_id, recheck_at)
SELECT %(user)s, %(queue)s, %(lane)s, %(rank)s, %(slot)s, ends.recheck_at FROM ends
WHERE NOT EXISTS (SELECT FROM moved) ON CONFLICT DO NOTHING
"""
# A final say of somebody who leads no more is not theirs to see: it waits for its reservation to end.
_SELECT_HELD_SLOTS = f"""
SELECT s.id FROM reviewqueue_slot s JOIN reviewqueue_queue q ON q.id = s.queue_id
WHERE s.holder_id = %(user)s AND s.state = 'open'
  AND s.reserved_until > COALESCE(%(now)s::timestamptz, statement_timestamp())
  AND (%(slug)s::text IS NULL OR q.slug = %(slug)s::text) AND (s.kind <> 'final' OR {IS_LEAD})
ORDER BY s.reserved_at, s.id
"""  # noqa: S608 - put together from constants, not from input
_EXTEND_RESERVATION = """
UPDATE reviewqueue_slot SET reserved_until = GREATEST(reserved_until, %(until)s) WHERE id = %(slot)s
"""
_RELEASE_SLOT = f"""
WITH given AS MATERIALIZED (SELECT * FROM reviewqueue_slot WHERE id = %(slot)s),
    seen AS ({INSERT_SEEN.format(slots="given")})
UPDATE reviewqueue_slot SET holder_id = NULL, reserved_at = NULL, reserved_until = NULL WHERE id = %(slot)s
"""  # noqa: S608 - put together from constants, not from input
# A lapsed reservation still names its holder, so that they can take it up again. It must not keep a lead from
# the final say on the same item, who has let the item go and said nothing.
_RELEASE_LAPSED_SLOTS = f"""
WITH gone AS MATERIALIZED (
    SELECT * FROM reviewqueue_slot
    WHERE holder_id = %(user)s AND state = 'open' AND reserved_until <= %(now)s FOR UPDATE SKIP LOCKED
), seen AS ({INSERT_SEEN.format(slots="gone")})
UPDATE reviewqueue_slot SET holder_id = NULL, reserved_at = NULL, reserved_until = NULL
WHERE id IN (SELECT id FROM gone)
"""  # noqa: S608 - put together from constants, not from input


def claim_next(
    *,
    user: User,
    slug: str,
    now: datetime | None = None,
    rng: random.Random | None = None,
    resume: bool = True,
) -> Claim | None:
    """Reserve the next item of a queue for a person; None when it has none they can take.

    With `resume`, return an item they already hold there. Leads get items that wait for the final say first. After
    that, a share of the claims (the queue's `checks_share`) searches the checks lane first and the rest the ordinary
    lane, so that neither starves. Raises NotFound, NotAMember, TooManyClaims.
    """
    for _ in range(_MAX_CLAIM_TRIES):
        try:
            with transaction.atomic():
                return _try_claim(user=user, slug=slug, now=now, rng=rng or _RNG, resume=resume)
        except IntegrityError as error:
            # They got a slot of the same item another way in the meantime; the next try skips it.
            if "one_slot_per_person" not in str(error):
                raise
    return None


def lock_claims(user: User, slug: str, now: datetime | None) -> ClaimContext:
    """Check that the person may review the queue, and block their other claims until the transaction ends.

    Raises NotFound, NotAMember.
    """
    parameters = {"user": user.pk, "slug": slug, "now": now, "roles": reviewer_roles(), "leads": lead_roles()}
    row = sql.fetch_row(_SELECT_CLAIM_CONTEXT, parameters | {"space": _CLAIM_LOCK_NAMESPACE}, prepared=True)
    if row is None:
        raise NotFound(gettext("There is no queue %(slug)r.") % {"slug": slug})
    context = ClaimContext(**row)
    if not context.member:
        raise NotAMember(gettext("You are not a reviewer of %(slug)r.") % {"slug": slug})
    return context


def check_claim_limit(user: User, now: datetime | None) -> None:
    """Raise TooManyClaims when the person already holds `MAX_HELD_ITEMS`. Call `lock_claims` first."""
    if len(_held_slot_ids(user, None, now)) >= MAX_HELD_ITEMS:
        raise TooManyClaims(
            gettext("You already hold %(most)s items. Decide or release one of them first.") % {"most": MAX_HELD_ITEMS}
        )


def get_claim(user: User, claim_id: str, *, now: datetime | None = None) -> Claim:
    """A live claim of this person's, as the desk shows it. Raises as `require_live_lease` does."""
    number = ClaimId.parse(claim_id)
    require_live_lease(read_lease(number, user=user, now=now), number, user=user)
    return claim_query.load_claim(number.slot)


def list_held_claims(user: User, slug: str | None = None, *, now: datetime | None = None) -> list[Claim]:
    """The claims the person holds now, the oldest reservation first."""
    return [claim_query.load_claim(slot) for slot in _held_slot_ids(user, slug, now)]


def renew_claim(*, claim_id: str, user: User, now: datetime | None = None) -> Claim:
    """Extend a reservation to the queue's full time from now; never shortens it. Raises as `get_claim` does."""
    number = ClaimId.parse(claim_id)
    with transaction.atomic():
        lease = lock_live_lease(number, user=user, now=now)
        sql.run_statement(_EXTEND_RESERVATION, {"slot": lease.slot_id, "until": lease.now + lease.reserve_time})
        return claim_query.load_claim(lease.slot_id)


def release_claim(*, claim_id: str, user: User, now: datetime | None = None) -> None:
    """Release the slot; it may be offered to the same person again. Raises as `get_claim` does."""
    number = ClaimId.parse(claim_id)
    with transaction.atomic():
        _release_slot(lock_live_lease(number, user=user, now=now))


def pass_item(*, claim_id: str, user: User, reason: str = "", now: datetime | None = None) -> None:
    """Release the slot for other reviewers; the item is not offered to this person again in this round.

    A repeated call does nothing. Raises as `get_claim` does, and Invalid for a reason that is too long.
    """
    text.check_text("/reason", reason, max_characters=text.MAX_REASON_CHARACTERS)
    number = ClaimId.parse(claim_id)
    with transaction.atomic():
        lease = lock_lease(number, user=user, now=now)
        passed = Pass.objects.filter(item_id=lease.item_id, round=lease.round, user=user)
        if lease.holder_id != user.pk and passed.exists():
            return  # a repeated request: the first one passed the item, but its response was lost
        require_live_lease(lease, number, user=user)
        _release_slot(lease)
        Pass.objects.get_or_create(
            item_id=lease.item_id, round=lease.round, user=user, defaults={"reason": reason, "at": lease.now}
        )
        after = {"claim": claim_id, "reason": reason}
        actor, item = log.user_actor(user), lease.item_id
        log.record_event(
            actor=actor, verb="passed", object_type="item", object_id=item, queue=lease.slug, after=after, at=now
        )


def _try_claim(*, user: User, slug: str, now: datetime | None, rng: random.Random, resume: bool) -> Claim | None:
    context = lock_claims(user, slug, now)
    held = _held_slot_ids(user, slug, now) if resume else []
    if held:
        return claim_query.load_claim(held[0])
    if context.leads:
        sql.run_statement(_RELEASE_LAPSED_SLOTS, {"user": user.pk, "now": context.now}, prepared=True)
    for step in _search_steps(context, rng):
        found = sql.fetch_row(_CLAIM_SLOT, step | {"user": user.pk}, prepared=True)
        if found is not None:
            _record_progress(found, step, user)
            return claim_query.load_claim(found["id"])
    check_claim_limit(user, now)
    return None


def _search_steps(context: ClaimContext, rng: random.Random) -> Iterator[dict[str, Any]]:
    """Where to search, in order: each lane from the person's cursor, and then from its head if they had a cursor."""
    common = {
        "queue": context.queue_id,
        "now": context.now,
        "minutes": context.reserve_minutes,
        "most": MAX_HELD_ITEMS,
        "passed_by": CURSOR_MIN_SLOTS + 1,
    }
    for lane in _lane_order(context, rng):
        yield common | {"lane": lane, "from_head": False}
        if lane in context.cursors:
            yield common | {"lane": lane, "from_head": True}


def _lane_order(context: ClaimContext, rng: random.Random) -> list[int]:
    shared = [Lane.ORDINARY, Lane.CHECKS]
    if rng.random() < context.checks_share:
        shared.reverse()
    return [Lane.LEAD, *shared] if context.leads else list(shared)


def _record_progress(found: sql.SqlRow, step: dict[str, Any], user: User) -> None:
    """After a claim, carry over the person's earlier first answer, and save how far into the lane they are."""
    if found["answer_first"]:
        carry_over_first_answer(slot=found["id"], claim=found["claim"], user=user)
    if found["passed"] > CURSOR_MIN_SLOTS:
        cursor = {"user": user.pk, "rank": found["rank"], "slot": found["id"], "recheck": CURSOR_RECHECK_SECONDS}
        sql.run_statement(_SAVE_CURSOR, step | cursor)


def _held_slot_ids(user: User, slug: str | None, now: datetime | None) -> list[int]:
    parameters = {"user": user.pk, "slug": slug, "now": now, "leads": lead_roles()}
    return [row["id"] for row in sql.fetch_rows(_SELECT_HELD_SLOTS, parameters, prepared=True)]


def _release_slot(lease: Lease) -> None:
    sql.run_statement(_RELEASE_SLOT, {"slot": lease.slot_id})
    slots.rewind_cursors([(lease.queue_id, lease.lane, lease.rank)])
