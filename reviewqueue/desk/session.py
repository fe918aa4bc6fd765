"""What a person finds when they sit down: their queues, an item, the guidelines, what they just decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max
from django.utils.translation import gettext as _

from reviewqueue.accounts import preferences, roles
from reviewqueue.guidelines import reading
from reviewqueue.guidelines.reading import Guidance
from reviewqueue.kernel import clock
from reviewqueue.models import Preferences, Queue, Slot, User
from reviewqueue.queue import items, lease
from reviewqueue.queue.claim import claim as claim_claim
from reviewqueue.queue.claim import claim_next, held_by
from reviewqueue.queue.claim_view import Claim
from reviewqueue.reports import history
from reviewqueue.verdicts import drafts, wording


@dataclass(frozen=True)
class Waiting:
    """A queue of the person's, and what waits in it; `oldest` tells in words for how long.

    `reserved_until`: they have an item of it open, and until when it stays theirs.
    """

    slug: str
    title: str
    waiting: int
    oldest_at: datetime | None
    oldest: str
    for_lead: int
    reserved_until: datetime | None = None


@dataclass(frozen=True)
class Decided:
    """One of the person's latest verdicts, in a few words, with the seconds in which it can still be undone, if any.

    `latest`: of those that can, the one that was given last.
    """

    id: int
    queue: str
    title: str
    what: str
    said: str
    at: datetime
    undo_seconds: int
    latest: bool = False


@dataclass(frozen=True)
class Due:
    """A deadline in words."""

    sentence: str
    over: bool


@dataclass(frozen=True)
class Desk:
    queue: Queue
    claim: Claim | None
    due: Due | None
    remaining: int
    reserved_for: int
    guidance: Guidance
    decided: Sequence[Decided]
    draft: drafts.Kept | None
    wishes: Preferences
    now: datetime


def inbox(user: User) -> list[Waiting]:
    """The person's queues by title. It counts what waits, so no page asks for it item by item."""
    loads, now = items.load(), clock.current()
    reserved = _reserved(user, now)
    return [_waiting(theirs, loads.get(theirs.slug), reserved.get(theirs.pk), now) for theirs in roles.queues_for(user)]


def longest_waiting(queues: Sequence[Waiting]) -> Waiting | None:
    """The queue to begin with: the one in which somebody has waited longest."""
    waiting = [(queue.oldest_at, queue.slug, queue) for queue in queues if queue.oldest_at is not None]
    return min(waiting)[2] if waiting else None


def sit_down(*, user: User, slug: str, claim_id: str = "", now: datetime | None = None) -> Desk:
    """The desk with the named claim on it, or theirs, or the next; NotFound for another queue or its claim."""
    theirs = roles.queue_for(user, slug)
    claim = claim_claim(user, claim_id, now=now) if claim_id else claim_next(user=user, slug=slug, now=now)
    if claim is not None and claim.item.queue != theirs.slug:
        raise lease.not_reserved()
    return _around(theirs, claim, user=user, now=now)


def stay(*, user: User, slug: str, claim_id: str, now: datetime | None = None) -> Desk:
    """The desk as it is after a refusal: with the claim if it is still the person's, else with nothing on it."""
    theirs = roles.queue_for(user, slug)
    held = {claim.id: claim for claim in held_by(user, slug, now=now)}
    return _around(theirs, held.get(claim_id), user=user, now=now)


def decided(user: User, *, now: datetime | None = None) -> list[Decided]:
    """The person's latest ten verdicts that stand, the newest first."""
    moment = clock.current(now)
    return _decided(history.latest(user, now=moment), moment)


def decided_before(user: User, *, now: datetime | None = None) -> list[Decided]:
    """The same, going back further."""
    moment = clock.current(now)
    return _decided(history.listed(user, now=moment), moment)


def remaining(claim: Claim, *, now: datetime | None = None) -> int:
    """The whole seconds for which the claim is still reserved: a page counts these, whatever its clock says."""
    return max(0, int((claim.reserved_until - clock.current(now)).total_seconds()))


def _around(theirs: Queue, claim: Claim | None, *, user: User, now: datetime | None) -> Desk:
    moment = clock.current(now)
    return Desk(
        queue=theirs,
        claim=claim,
        due=_due(claim.item.due_at, moment) if claim else None,
        remaining=remaining(claim, now=moment) if claim else 0,
        reserved_for=theirs.reserve_minutes * 60,
        guidance=reading.guidance(user=user, queue=theirs, number=claim.item.guideline_number if claim else None),
        decided=decided(user, now=moment),
        draft=drafts.kept_for(claim, user=user, now=moment) if claim else None,
        wishes=preferences.of(user),
        now=moment,
    )


def _due(due_at: datetime | None, now: datetime) -> Due | None:
    if due_at is None:
        return None
    seconds = (due_at - now).total_seconds()
    return Due(sentence=wording.due(seconds), over=seconds < 0)


def _reserved(user: User, now: datetime) -> dict[int, datetime]:
    """Until when the person has an item open, by the queue."""
    held = Slot.objects.open().filter(holder=user, reserved_until__gt=now).values_list("queue_id")
    return dict(held.annotate(until=Max("reserved_until")))


def _waiting(theirs: Queue, load: items.Load | None, reserved_until: datetime | None, now: datetime) -> Waiting:
    oldest_at = load.oldest_at if load else None
    return Waiting(
        slug=theirs.slug,
        title=theirs.title,
        waiting=load.waiting if load else 0,
        oldest_at=oldest_at,
        oldest=wording.span((now - oldest_at).total_seconds()) if oldest_at else "",
        for_lead=load.for_lead if load else 0,
        reserved_until=reserved_until,
    )


def _decided(recent: Sequence[history.Recent], now: datetime) -> list[Decided]:
    undoable = next((verdict.id for verdict in recent if verdict.undoable), None)
    return [
        Decided(
            id=verdict.id,
            queue=verdict.queue,
            title=verdict.title,
            what=wording.gist(verdict.words, image=verdict.image, reference=verdict.reference),
            said=_("asked again") if verdict.asked_again else wording.said(verdict.kind, verdict.answer),
            at=verdict.submitted_at,
            undo_seconds=max(1, int((verdict.final_at - now).total_seconds())) if verdict.undoable else 0,
            latest=verdict.id == undoable,
        )
        for verdict in recent
    ]
