"""What waits for one person: approvals, requests to resume, missing reviewers, and final says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from escalation.guarantees import guarantees
from escalation.models import Stop, Stream
from escalation.policies import versions
from escalation.policies.open_requests import list_open_requests
from escalation.policies.versions import ActivePolicy
from escalation.routing.stop import has_request
from reviewqueue.accounts import roles
from reviewqueue.activity import log
from reviewqueue.facade import queue
from reviewqueue.kernel import clock


@dataclass(frozen=True, slots=True)
class WaitingTask:
    """One thing that waits for the person.

    `stream` is None for a stop of all streams. `version`: the policy version to approve. `evaluation`: the one whose
    thresholds can be proposed. `count`: items that need a
    final say. `stuck`: items that wait for a review nobody can give. `by`, `at`, `reason`: who asked for it, when and
    why; empty where nobody asked.
    """

    kind: Literal["approval", "resume", "reviewers", "earned", "final_say"]
    stream: Stream | None
    version: int | None = None
    evaluation: int | None = None
    count: int = 1
    stuck: queue.UnreviewableItems | None = None
    by: str = ""
    at: datetime | None = None
    reason: str = ""


def list_waiting_tasks(person: roles.Person) -> list[WaitingTask]:
    """Everything that waits for this person in their streams, those of managers first, each kind oldest first."""
    streams = list(Stream.objects.filter(slug__in=[facts.slug for facts in roles.list_queues(person)]))
    if not roles.may_manage(person):
        return _list_final_says(person, streams)
    active = versions.find_active_policies([stream.pk for stream in streams])
    return [
        *_list_approvals(person, streams, active),
        *_list_resumes(person, streams),
        *_list_missing_reviewers(streams, active),
        *_list_earned_thresholds(streams, active),
        *_list_final_says(person, streams),
    ]


def _list_approvals(
    person: roles.Person, streams: Sequence[Stream], active: Mapping[int, ActivePolicy]
) -> list[WaitingTask]:
    me = log.user_actor(person)
    return [
        WaitingTask(
            kind="approval",
            stream=request.policy.stream,
            version=request.policy.number,
            by=request.asked_by,
            at=request.asked_at,
            reason=request.reason,
        )
        for request in list_open_requests(streams, active)
        if request.asked_by != me
    ]


def _list_resumes(person: roles.Person, streams: Sequence[Stream]) -> list[WaitingTask]:
    """Stops that somebody else has asked to resume. One of all streams takes a manager of all of them."""
    me, theirs = log.user_actor(person), {stream.pk for stream in streams}
    asked = Stop.objects.active().exclude(resume_asked_by__in=["", me]).select_related("stream")
    everywhere = roles.has_all_queues(person)
    found = [
        stop
        for stop in asked.order_by("resume_asked_at")
        if (everywhere if stop.stream_id is None else stop.stream_id in theirs)
    ]
    now = clock.current_time() if found else None  # the database's clock, which costs a query
    return [
        WaitingTask(
            kind="resume",
            stream=stop.stream,
            by=stop.resume_asked_by,
            at=stop.resume_asked_at,
            reason=stop.resume_reason,
        )
        for stop in found
        if now and has_request(stop, now=now)
    ]


def _list_missing_reviewers(streams: Sequence[Stream], active: Mapping[int, ActivePolicy]) -> list[WaitingTask]:
    """Streams whose items wait for a review that nobody can give: an item takes more reviews than there are people."""
    needed = {stream.slug: active[stream.pk].spec.reviews if stream.pk in active else 1 for stream in streams}
    stuck = queue.count_unreviewable(needed)
    return [
        WaitingTask(kind="reviewers", stream=stream, stuck=stuck[stream.slug])
        for stream in streams
        if stream.slug in stuck
    ]


def _list_earned_thresholds(streams: Sequence[Stream], active: Mapping[int, ActivePolicy]) -> list[WaitingTask]:
    """Streams whose audits have certified thresholds that nobody has proposed yet."""
    earned = guarantees.find_earned_evaluations(streams, active)
    return [
        WaitingTask(kind="earned", stream=stream, evaluation=earned[stream.pk].pk, at=earned[stream.pk].asked_at)
        for stream in streams
        if stream.pk in earned
    ]


def _list_final_says(person: roles.Person, streams: Sequence[Stream]) -> list[WaitingTask]:
    counts = queue.count_final_says(person)
    return [
        WaitingTask(kind="final_say", stream=stream, count=counts[stream.slug])
        for stream in streams
        if counts.get(stream.slug)
    ]
