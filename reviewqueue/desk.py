"""What a person finds when they sit down: their queues, an item, the guidelines, what they just decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from . import access, claims, clock, drafts, queue, verdicts, wording
from .claimed import Claim
from .models import Guideline, Queue, User, Verdict


@dataclass(frozen=True)
class Waiting:
    """A queue of the person's, and what waits in it; `oldest` tells in words for how long."""

    slug: str
    title: str
    waiting: int
    oldest_at: datetime | None
    oldest: str
    for_lead: int


@dataclass(frozen=True)
class Decided:
    """One of the person's latest verdicts, with the seconds in which it can still be undone, if any."""

    id: int
    queue: str
    reference: str
    said: str
    undo_seconds: int
    latest: bool = False


@dataclass(frozen=True)
class Guidance:
    """The guidelines that go with an item; `changed` since the person's last verdict in the queue."""

    number: int | None
    text: str
    changed: bool


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
    now: datetime


def inbox(user: User) -> list[Waiting]:
    """The person's queues by title. It counts what waits, so no page asks for it item by item."""
    loads, now = queue.load(), clock.current()
    return [_waiting(theirs, loads.get(theirs.slug), now) for theirs in access.queues_for(user)]


def longest_waiting(queues: Sequence[Waiting]) -> Waiting | None:
    """The queue to begin with: the one in which somebody has waited longest."""
    waiting = [(queue.oldest_at, queue.slug, queue) for queue in queues if queue.oldest_at is not None]
    return min(waiting)[2] if waiting else None


def sit_down(*, user: User, slug: str, claim_id: str = "", now: datetime | None = None) -> Desk:
    """The desk with the named claim on it, or the one the person has, or the next; NotFound if not their queue."""
    theirs = access.queue_for(user, slug)
    claim = claims.claim(user, claim_id, now=now) if claim_id else claims.claim_next(user=user, slug=slug, now=now)
    return _around(theirs, claim, user=user, now=now)


def stay(*, user: User, slug: str, claim_id: str, now: datetime | None = None) -> Desk:
    """The desk as it is after a refusal: with the claim if it is still the person's, else with nothing on it."""
    theirs = access.queue_for(user, slug)
    held = {claim.id: claim for claim in claims.held_by(user, slug, now=now)}
    return _around(theirs, held.get(claim_id), user=user, now=now)


def guidance(*, user: User, slug: str) -> tuple[Queue, Guidance]:
    """A queue and its present guidelines."""
    theirs = access.queue_for(user, slug)
    return theirs, _guidance(theirs, None, user)


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
        guidance=_guidance(theirs, claim.item.guideline_number if claim else None, user),
        decided=_decided(user, moment),
        draft=drafts.kept_for(claim, user=user, now=moment) if claim else None,
        now=moment,
    )


def _due(due_at: datetime | None, now: datetime) -> Due | None:
    if due_at is None:
        return None
    seconds = (due_at - now).total_seconds()
    return Due(sentence=wording.due(seconds), over=seconds < 0)


def _waiting(theirs: Queue, load: queue.Load | None, now: datetime) -> Waiting:
    oldest_at = load.oldest_at if load else None
    return Waiting(
        slug=theirs.slug,
        title=theirs.title,
        waiting=load.waiting if load else 0,
        oldest_at=oldest_at,
        oldest=wording.span((now - oldest_at).total_seconds()) if oldest_at else "",
        for_lead=load.for_lead if load else 0,
    )


def _guidance(theirs: Queue, number: int | None, user: User) -> Guidance:
    numbered = Guideline.objects.filter(queue=theirs).order_by("-number")
    text = (numbered.filter(number=number) if number is not None else numbered).first()
    if text is None:
        return Guidance(number=None, text="", changed=False)
    mine = Verdict.objects.filter(user=user, item__queue=theirs).order_by("-submitted_at")
    last = mine.values_list("guideline_number", flat=True).first()
    return Guidance(number=text.number, text=text.text, changed=last is not None and last < text.number)


def _decided(user: User, now: datetime) -> list[Decided]:
    counting = [verdict for verdict in verdicts.recent(user, now=now) if not verdict.undone]
    undoable = next((verdict.id for verdict in counting if verdict.undoable), None)
    return [
        Decided(
            id=verdict.id,
            queue=verdict.queue,
            reference=verdict.reference,
            said=wording.said(verdict.kind, verdict.answer),
            undo_seconds=max(1, int((verdict.final_at - now).total_seconds())) if verdict.undoable else 0,
            latest=verdict.id == undoable,
        )
        for verdict in counting
    ]
