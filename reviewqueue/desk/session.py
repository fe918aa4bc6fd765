"""Everything that the desk shows a person: queues, the current item, guidelines and recent decisions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max
from django.utils.translation import gettext as _

from reviewqueue.accounts import preferences, roles
from reviewqueue.guidelines import reading
from reviewqueue.guidelines.reading import GuidelineReading
from reviewqueue.kernel import clock
from reviewqueue.models import Preferences, Queue, Slot, User
from reviewqueue.queue import items, lease, workload
from reviewqueue.queue.claim import claim_next, get_claim, list_held_claims
from reviewqueue.queue.claim_view import Claim
from reviewqueue.reports import history
from reviewqueue.verdicts import drafts, wording


@dataclass(frozen=True)
class QueueSummary:
    """One of the person's queues and what they can take in it; `oldest_age` is the longest waiting time in words.

    `reserved_until` is set while the person has one of its items reserved. `rank`: lower is more pressing.
    """

    slug: str
    title: str
    waiting: int
    oldest_at: datetime | None
    oldest_age: str
    for_lead: int
    rank: float | None = None
    reserved_until: datetime | None = None


@dataclass(frozen=True)
class DeskVerdict:
    """One of the person's latest verdicts in a few words; `undo_seconds` is 0 when it can no longer be undone.

    `latest`: the most recent verdict that can be undone.
    """

    id: int
    queue: str
    title: str
    item_text: str
    verdict_text: str
    submitted_at: datetime
    undo_seconds: int
    latest: bool = False


@dataclass(frozen=True)
class DeadlineText:
    """A deadline in words."""

    sentence: str
    overdue: bool


@dataclass(frozen=True)
class DeskState:
    queue: Queue
    claim: Claim | None
    deadline: DeadlineText | None
    remaining_seconds: int
    reserved_seconds: int
    guideline: GuidelineReading
    recent_verdicts: Sequence[DeskVerdict]
    draft: drafts.SavedDraft | None
    preferences: Preferences
    unreviewable: int  # items whose next review nobody in this queue can give; counted only while the desk is empty
    now: datetime


def list_inbox(user: User) -> list[QueueSummary]:
    """The person's queues by title, with the number of items in each that they can take or hold."""
    queues, now = list(roles.queues_for(user)), clock.current_time()
    loads = workload.measure_personal_loads(user, [one.pk for one in queues], leads=roles.may_lead(user), now=now)
    everything = {} if all(load.counted for load in loads.values()) else items.measure_loads()
    reserved = _reservations_by_queue(user, now)
    return [
        _summarize_queue(theirs, loads[theirs.pk], everything.get(theirs.slug), reserved.get(theirs.pk), now)
        for theirs in queues
    ]


def sort_by_urgency(queues: Sequence[QueueSummary]) -> list[QueueSummary]:
    """The most pressing queue first: one with an item reserved for the person, then one that waits for their final say,
    then by the rank of the next item; queues with nothing to take come last."""

    def urgency(queue: QueueSummary) -> tuple[bool, bool, bool, float]:
        rank = math.inf if queue.rank is None else queue.rank
        return not queue.waiting, queue.reserved_until is None, not queue.for_lead, rank

    return sorted(queues, key=urgency)


def open_desk(*, user: User, slug: str, claim_id: str = "", now: datetime | None = None) -> DeskState:
    """The desk with the given claim, or the person's own, or the next; NotFound for a queue or claim not theirs."""
    theirs = roles.queue_for(user, slug)
    claim = get_claim(user, claim_id, now=now) if claim_id else claim_next(user=user, slug=slug, now=now)
    if claim is not None and claim.item.queue != theirs.slug:
        raise lease.not_reserved_error()
    return _build_desk(theirs, claim, user=user, now=now)


def reload_desk(*, user: User, slug: str, claim_id: str, now: datetime | None = None) -> DeskState:
    """The desk after a refusal: with the claim if the person still holds it, else empty."""
    theirs = roles.queue_for(user, slug)
    held = {claim.id: claim for claim in list_held_claims(user, slug, now=now)}
    return _build_desk(theirs, held.get(claim_id), user=user, now=now)


def list_recent_verdicts(user: User, *, now: datetime | None = None) -> list[DeskVerdict]:
    """The person's ten latest verdicts that were not undone, newest first."""
    moment = clock.current_time(now)
    return _describe_verdicts(history.list_latest_verdicts(user, now=moment), moment)


def list_older_verdicts(user: User, *, now: datetime | None = None) -> list[DeskVerdict]:
    """Like list_recent_verdicts, going back further."""
    moment = clock.current_time(now)
    return _describe_verdicts(history.list_past_verdicts(user, now=moment), moment)


def count_remaining_seconds(claim: Claim, *, now: datetime | None = None) -> int:
    """Whole seconds left of the reservation. The page counts these down, so its own clock does not matter."""
    return max(0, int((claim.reserved_until - clock.current_time(now)).total_seconds()))


def _build_desk(theirs: Queue, claim: Claim | None, *, user: User, now: datetime | None) -> DeskState:
    moment = clock.current_time(now)
    return DeskState(
        queue=theirs,
        claim=claim,
        deadline=_describe_deadline(claim.item.due_at, moment) if claim else None,
        remaining_seconds=count_remaining_seconds(claim, now=moment) if claim else 0,
        reserved_seconds=theirs.reserve_minutes * 60,
        guideline=reading.get_guideline(user=user, queue=theirs, number=claim.item.guideline_number if claim else None),
        recent_verdicts=list_recent_verdicts(user, now=moment),
        draft=drafts.load_draft(claim, user=user, now=moment) if claim else None,
        preferences=preferences.get_preferences(user),
        unreviewable=0 if claim else _count_unreviewable(theirs),
        now=moment,
    )


def _count_unreviewable(theirs: Queue) -> int:
    found = workload.count_unreviewable({theirs.slug: workload.MAX_REVIEWS})
    return found[theirs.slug].items if found else 0


def _describe_deadline(due_at: datetime | None, now: datetime) -> DeadlineText | None:
    if due_at is None:
        return None
    seconds = (due_at - now).total_seconds()
    return DeadlineText(sentence=wording.format_deadline(seconds), overdue=seconds < 0)


def _reservations_by_queue(user: User, now: datetime) -> dict[int, datetime]:
    """Until when the person has an item reserved, by queue id."""
    held = Slot.objects.open().filter(holder=user, reserved_until__gt=now).values_list("queue_id")
    return dict(held.annotate(until=Max("reserved_until")))


def _summarize_queue(
    theirs: Queue,
    load: workload.PersonalLoad,
    everything: items.QueueLoad | None,
    reserved_until: datetime | None,
    now: datetime,
) -> QueueSummary:
    oldest_at = load.oldest_at
    return QueueSummary(
        slug=theirs.slug,
        title=theirs.title,
        waiting=load.waiting if load.counted or everything is None else everything.waiting,
        oldest_at=oldest_at,
        oldest_age=wording.format_duration((now - oldest_at).total_seconds()) if oldest_at else "",
        for_lead=load.for_lead,
        rank=load.rank,
        reserved_until=reserved_until,
    )


def _describe_verdicts(recent: Sequence[history.RecentVerdict], now: datetime) -> list[DeskVerdict]:
    undoable = next((verdict.id for verdict in recent if verdict.undoable), None)
    return [
        DeskVerdict(
            id=verdict.id,
            queue=verdict.queue,
            title=verdict.title,
            item_text=wording.summarize_item(verdict.words, image=verdict.image, reference=verdict.reference),
            verdict_text=_("in review again")
            if verdict.asked_again
            else wording.describe_verdict(verdict.kind, verdict.answer, answers_kind=verdict.answers_kind),
            submitted_at=verdict.submitted_at,
            undo_seconds=max(1, int((verdict.final_at - now).total_seconds())) if verdict.undoable else 0,
            latest=verdict.id == undoable,
        )
        for verdict in recent
    ]
