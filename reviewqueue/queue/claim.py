"""Claim a slot, renew the claim, or release it.

A claim is one statement: it finds the first free slot that this person may take and reserves it, with the condition
on the row that it locks. A reservation is not a state change and leaves no event: it ends by the clock, and the slot's
row says who held it last.
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
from reviewqueue.kernel import sql
from reviewqueue.kernel.errors import DomainError, NotFound
from reviewqueue.models import User
from reviewqueue.models.items import Lane
from reviewqueue.queue import claim_queries, claim_query, slots
from reviewqueue.queue.claim_view import Claim
from reviewqueue.queue.lease import (
    ClaimId,
    Lease,
    ReviewKey,
    carry_over_first_answer,
    lead_roles,
    lock_live_lease,
    not_reserved_error,
    read_lease,
    require_live_lease,
    require_wanted,
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


def claim_next(
    *,
    user: User,
    slug: str,
    now: datetime | None = None,
    rng: random.Random | None = None,
    resume: bool = True,
    key: ReviewKey | None = None,
) -> Claim | None:
    """Reserve the next item of a queue for a person; None when it has none they can take.

    With `resume`, return the item that they reserved there last and still hold, which is then theirs even if an API
    key had reserved it. `key` is the key that reserves, None at the desk. Leads get items that wait for the final say
    first. After that, a share of the claims (the queue's `checks_share`) searches the checks lane first and the rest
    the ordinary lane, so that neither starves. Raises NotFound, NotAMember, TooManyClaims.
    """
    for _ in range(_MAX_CLAIM_TRIES):
        try:
            with transaction.atomic():
                return _try_claim(user=user, slug=slug, now=now, rng=rng or _RNG, resume=resume, key=key)
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
    row = sql.fetch_row(
        claim_queries.SELECT_CLAIM_CONTEXT, parameters | {"space": _CLAIM_LOCK_NAMESPACE}, prepared=True
    )
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
    """A live claim of this person's, to show at the desk; from then on, no API key can act on it.

    Raises as `require_live_lease` does.
    """
    number = ClaimId.parse(claim_id)
    lease = read_lease(number, user=user, now=now)
    require_live_lease(lease, number, user=user)
    if lease.key_id is not None:
        sql.run_statement(claim_queries.TAKE_FROM_KEY, {"slot": number.slot})
    return claim_query.load_claim(number.slot)


def require_wanted_item(*, claim_id: str, user: User, now: datetime | None = None) -> None:
    """Raise ItemWithdrawn or ClaimLost if the item of a claim needs no answer any more; says nothing about its holder.

    Raises NotFound for a claim that never existed or of a queue that is not theirs.
    """
    lease = read_lease(ClaimId.parse(claim_id), user=user, now=now)
    if not lease.member:
        raise not_reserved_error()
    require_wanted(lease)


def list_held_claims(user: User, slug: str | None = None, *, now: datetime | None = None) -> list[Claim]:
    """The claims the person holds now, the oldest reservation first."""
    return [claim_query.load_claim(slot) for slot in _held_slot_ids(user, slug, now)]


def renew_claim(*, claim_id: str, user: User, key: ReviewKey | None = None, now: datetime | None = None) -> Claim:
    """Extend a reservation to the queue's full time from now; never shortens it. Raises as `get_claim` does."""
    number = ClaimId.parse(claim_id)
    with transaction.atomic():
        lease = lock_live_lease(number, user=user, key=key, now=now)
        sql.run_statement(
            claim_queries.EXTEND_RESERVATION, {"slot": lease.slot_id, "until": lease.now + lease.reserve_time}
        )
        return claim_query.load_claim(lease.slot_id)


def release_claim(*, claim_id: str, user: User, key: ReviewKey | None = None, now: datetime | None = None) -> None:
    """Release the slot; it may be offered to the same person again. Raises as `get_claim` does."""
    number = ClaimId.parse(claim_id)
    with transaction.atomic():
        release_slot(lock_live_lease(number, user=user, key=key, now=now))


def _try_claim(
    *, user: User, slug: str, now: datetime | None, rng: random.Random, resume: bool, key: ReviewKey | None
) -> Claim | None:
    context = lock_claims(user, slug, now)
    held = _held_slot_ids(user, slug, now) if resume else []
    if held:
        latest = held[-1]  # after an undo, that is the item on the desk
        sql.run_statement(claim_queries.TAKE_FROM_KEY, {"slot": latest}, prepared=True)
        return claim_query.load_claim(latest)
    if context.leads:
        sql.run_statement(claim_queries.RELEASE_LAPSED_SLOTS, {"user": user.pk, "now": context.now}, prepared=True)
    for step in _search_steps(context, rng):
        found = sql.fetch_row(
            claim_queries.CLAIM_SLOT, step | {"user": user.pk, "key": key.id if key else None}, prepared=True
        )
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
        sql.run_statement(claim_queries.SAVE_CURSOR, step | cursor)


def _held_slot_ids(user: User, slug: str | None, now: datetime | None) -> list[int]:
    parameters = {"user": user.pk, "slug": slug, "now": now, "leads": lead_roles()}
    return [row["id"] for row in sql.fetch_rows(claim_queries.SELECT_HELD_SLOTS, parameters, prepared=True)]


def release_slot(lease: Lease) -> None:
    """Make a locked slot free for the next person, and note who saw its proposal."""
    sql.run_statement(claim_queries.RELEASE_SLOT, {"slot": lease.slot_id})
    slots.rewind_cursors([(lease.queue_id, lease.lane, lease.rank)])
