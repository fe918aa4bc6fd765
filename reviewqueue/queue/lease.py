"""Claim ids, and the lock under which the holder of a claim may act."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from reviewqueue.accounts.roles import LEAD_ROLES, REVIEWER_ROLES, Forbidden, NotAMember
from reviewqueue.kernel import sql
from reviewqueue.kernel.errors import DomainError, NotFound
from reviewqueue.models import Item, Slot, User
from reviewqueue.models.people import Role
from reviewqueue.queue import claim_queries

# The same message for a claim that never existed and for somebody else's, so that ids cannot be probed.
NOT_RESERVED_MESSAGE = gettext_noop("This item is not reserved for you.")


class ClaimLost(DomainError):
    """The reservation expired or was released before its holder acted."""

    code = "claim_lost"


class ItemWithdrawn(DomainError):
    """The item was withdrawn while a reviewer had it open."""

    code = "item_withdrawn"


@dataclass(frozen=True, slots=True)
class ClaimId:
    """`<slot>.<claim number>`: the number distinguishes a reservation from later ones of the same slot."""

    slot: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        found = re.fullmatch(r"([1-9][0-9]{0,17})\.([1-9][0-9]{0,8})", text, re.ASCII)
        if found is None:
            raise not_reserved_error()
        return cls(slot=int(found[1]), number=int(found[2]))

    def __str__(self) -> str:
        return f"{self.slot}.{self.number}"


@dataclass(frozen=True, slots=True)
class Lease:
    """A slot and its item as read at the database time `now`; locked if it comes from `lock_lease`."""

    slot_id: int
    claim: int
    holder_id: int | None
    key_id: int | None
    slot_state: str
    kind: str
    answer_first: bool
    lane: int
    rank: float
    reserved_at: datetime | None
    reserved_until: datetime | None
    item_id: int
    item_state: str
    round: int
    undo_seconds: int
    queue_id: int
    slug: str
    reserve_minutes: int
    guideline_number: int | None
    member: bool
    leads: bool
    now: datetime

    @property
    def is_live(self) -> bool:
        return self.slot_state == Slot.State.OPEN and self.reserved_until is not None and self.reserved_until > self.now

    @property
    def reserve_time(self) -> timedelta:
        return timedelta(minutes=self.reserve_minutes)

    @property
    def final_say(self) -> bool:
        return self.kind == Slot.Kind.FINAL


@dataclass(frozen=True, slots=True)
class ReviewKey:
    """The API key that acts for a person, who is not at the desk herself."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Who held a claim, and in which queue; `username` is None when that is no longer known."""

    queue: str
    username: str | None


def not_reserved_error() -> NotFound:
    """The error for a claim that never existed or belongs to someone else; the same for both."""
    return NotFound(_(NOT_RESERVED_MESSAGE))


def reviewer_roles() -> list[str]:
    """The roles that review, as the parameter `roles` of `claim_queries.IS_MEMBER`."""
    return sorted(str(role) for role in REVIEWER_ROLES)


def taker_roles() -> list[str]:
    """The roles that are expected to review a queue's items.

    Administrators may review everywhere without doing so; they are asked like leads, last of all.
    """
    return [str(Role.REVIEWER), str(Role.LEAD)]


def lead_roles() -> list[str]:
    """The roles that have the final say, as the parameter `leads` of `claim_queries.IS_LEAD`."""
    return sorted(str(role) for role in LEAD_ROLES)


def read_lease(claim: ClaimId, *, user: User, now: datetime | None) -> Lease:
    """The slot of a claim as it is now, without a lock. Raises NotFound for a claim that never existed."""
    return _select_lease(claim_queries.SELECT_LEASE, claim, user, now)


def lock_lease(claim: ClaimId, *, user: User, now: datetime | None) -> Lease:
    """Lock the item and then the slot of a claim until the transaction ends, the order everything that changes an item
    uses.

    Two statements, because a single one that waits for the lock returns what it read before it waited.
    Raises NotFound for a claim that never existed.
    """
    sql.fetch_rows(claim_queries.LOCK_ITEM, {"slot": claim.slot}, prepared=True)
    return _select_lease(claim_queries.LOCK_LEASE, claim, user, now)


def require_live_lease(lease: Lease, claim: ClaimId, *, user: User, key: ReviewKey | None = None) -> None:
    """Require that the person holds the slot by exactly this claim and that the reservation is live.

    An API key (`key`) may use only what a key reserved: what the person has open at the desk is hers. Otherwise raises
    NotFound (also for somebody else's claim), NotAMember, Forbidden, ItemWithdrawn or ClaimLost.
    """
    theirs = lease.claim == claim.number and lease.holder_id == user.pk
    if not theirs and (not lease.member or (lease.claim == claim.number and lease.holder_id is not None)):
        raise not_reserved_error()
    require_decidable_item(lease)
    if not theirs or not lease.is_live:
        raise ClaimLost(_why_lost(lease, user=user, theirs=theirs))
    if key is not None and lease.key_id is None:
        raise opened_at_desk_error(user)


def require_decidable_item(lease: Lease) -> None:
    """Require that the person may decide this item and that it was not withdrawn.

    Otherwise raises NotAMember, Forbidden or ItemWithdrawn.
    """
    if not lease.member:
        raise NotAMember(_("You are no longer a reviewer of this stream."))
    if lease.final_say and not lease.leads:
        raise Forbidden(_("Only a lead can have the final say."))
    if lease.item_state == Item.State.WITHDRAWN:
        raise _withdrawn_error()


def require_wanted(lease: Lease) -> None:
    """Require that the item still needs an answer: raises ItemWithdrawn, or ClaimLost for one that is closed."""
    if lease.item_state == Item.State.WITHDRAWN:
        raise _withdrawn_error()
    if lease.slot_state == Slot.State.CLOSED:
        raise ClaimLost(_describe_closed())


def _withdrawn_error() -> ItemWithdrawn:
    return ItemWithdrawn(_("This item was withdrawn by its sender, so there is nothing left to decide."))


def opened_at_desk_error(user: User) -> ClaimLost:
    """The error for an API key that acts on what the person herself has open or decided."""
    return ClaimLost(
        _("%(person)s has this item open at the desk, so an API key cannot act on it.")
        % {"person": user.get_full_name() or user.get_username()}
    )


def lock_live_lease(claim: ClaimId, *, user: User, key: ReviewKey | None = None, now: datetime | None) -> Lease:
    """Lock a live claim of this person's; raises as `require_live_lease` does."""
    lease = lock_lease(claim, user=user, now=now)
    require_live_lease(lease, claim, user=user, key=key)
    return lease


def find_holder(claim: ClaimId) -> Holder:
    """The person who decided under this claim, otherwise the one who holds the slot under exactly this number.

    Raises NotFound for a claim that never existed.
    """
    row = sql.fetch_row(claim_queries.SELECT_HOLDER, {"slot": claim.slot, "number": claim.number})
    if row is None or claim.number > row.pop("claim"):
        raise not_reserved_error()
    return Holder(**row)


def carry_over_first_answer(*, slot: int, claim: int, user: User) -> None:
    """Copy the person's earlier first answer on this item, in this round, to the new claim.

    They have seen the proposal since, so after an expired reservation or an undo they cannot answer first again.
    """
    sql.run_statement(claim_queries.COPY_FIRST_ANSWER, {"slot": slot, "claim": claim, "user": user.pk}, prepared=True)


def saw_proposal_before(lease: Lease, *, user: User, at: datetime) -> bool:
    """Whether the person had already seen the item's proposal when they answered first at `at`, even if this slot hid
    it."""
    parameters = {"item": lease.item_id, "user": user.pk, "round": lease.round, "at": at}
    row = sql.fetch_row(claim_queries.SELECT_SAW_PROPOSAL, parameters, prepared=True)
    assert row is not None
    return bool(row["seen"])


def _select_lease(statement: str, claim: ClaimId, user: User, now: datetime | None) -> Lease:
    parameters = {"slot": claim.slot, "user": user.pk, "roles": reviewer_roles(), "leads": lead_roles(), "now": now}
    row = sql.fetch_row(statement, parameters, prepared=True)
    if row is None or claim.number > row["claim"]:
        raise not_reserved_error()
    return Lease(**row)


def _describe_closed() -> str:
    return _("This item is closed; your answer is no longer needed.")


def _why_lost(lease: Lease, *, user: User, theirs: bool) -> str:
    if lease.slot_state == Slot.State.JUDGED and lease.holder_id == user.pk:
        return _("You have already decided this item.")
    if lease.item_state != Item.State.OPEN or lease.slot_state == Slot.State.CLOSED:
        return _describe_closed()
    if lease.slot_state == Slot.State.JUDGED or (lease.is_live and not theirs):
        return _("Your reservation ran out and someone else has taken the item.")
    return _("Your reservation ran out, and the item is back in the queue.")
