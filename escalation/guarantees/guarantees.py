"""What is stated about the policy in effect: on which evidence, until when, and what happens when it ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

import msgspec
from django.db import transaction
from django.db.models import Max, Min, Q, QuerySet

from escalation.guarantees import alarms, evaluations, population, preparation, targets
from escalation.guarantees.population import Line
from escalation.models import Attempt, Ending, Evidence, Policy, Stream
from escalation.policies import versions
from escalation.policies.spec import Audit
from escalation.policies.spec import Policy as Spec
from escalation.policies.versions import Active, Proposed
from reviewqueue.activity import log
from reviewqueue.kernel import clock

SYSTEM = "system:statements"
# What an activation says about a statement that ended.
_WHY = {
    "answers": "The statement about mistakes was about other answers.",
    "model_version": "The statement about mistakes was about another version of the model.",
    "drift": "More went wrong among random checks than the statement about mistakes allows.",
    "expired": "The statement about mistakes was for a limited time, which is over.",
}

# Why a statement does not hold any more. `replaced`: what may go out is decided otherwise now.
type Ended = Literal["", "replaced", "answers", "model_version", "drift", "expired"]


@dataclass(frozen=True, slots=True)
class Statement:
    """The attempt behind the thresholds in effect, and the version that brought them.

    `in_effect`: what it is about still decides. `ended` is empty while it holds.
    """

    attempt: Attempt
    version: Policy
    since: datetime
    in_effect: bool
    ended: Ended

    @property
    def holds(self) -> bool:
        return not self.ended

    @property
    def policy(self) -> int:
        return self.version.number


def propose(*, attempt: Attempt, actor: str, reason: str = "", now: datetime | None = None) -> Proposed:
    """A policy version with the thresholds that an attempt found, and the attempt as its evidence.

    It takes effect as any other version does: at once where it sends more to people, else when a second person
    approves it. Raises Refused for an attempt without a threshold, and for one that would end at once.
    """
    if not evaluations.names_of(evaluations.groups_of(attempt)):
        raise preparation.Refused("nothing_found")
    if ended(attempt, now=now) or attempt.target != targets.target(attempt.stream):
        raise preparation.Refused("outdated")
    with transaction.atomic():
        current = versions.active(attempt.stream)
        base = current.spec if current else Spec()
        if preparation.conditions(base) != attempt.conditions_hash:
            raise preparation.Refused("outdated")
        spec = versions.checked({**msgspec.to_builtins(base), **evaluations.spec_of(attempt)})
        version = versions.save(stream=attempt.stream, spec=spec, actor=actor, now=now)
        Evidence.objects.get_or_create(policy=version, attempt=attempt)
        return versions.propose(stream=attempt.stream, spec=spec, actor=actor, reason=reason, now=now)


def ended(attempt: Attempt, *, now: datetime | None = None) -> Ended:
    """Why what a look found would not hold if it took effect now; empty where it would."""
    line, alarm = population.of(attempt.stream), alarms.last(attempt.stream_id, population.about(attempt))
    return _ended(attempt, attempt.stream, line, alarm, clock.current(now))


def in_force(stream: Stream, *, now: datetime | None = None) -> Statement | None:
    """The latest statement about what goes out, whether or not it still holds; None where there never was one.

    It outlives versions that change nothing about what may go out: more checks, other costs, more reviews.
    """
    return all_in_force([stream], now=now).get(stream.pk)


def all_in_force(streams: Sequence[Stream], *, now: datetime | None = None) -> dict[int, Statement]:
    """The same of several streams, by their keys, in a fixed number of queries."""
    moment, stated = clock.current(now), defaultdict[int, list[Evidence]](list)
    for row in _activated([stream.pk for stream in streams], moment):
        stated[row.policy.stream_id].append(row)
    if not stated:
        return {}
    current, heard, raised = (
        versions.active_of(stated),
        population.of_streams(list(stated)),
        alarms.last_of(list(stated)),
    )
    found = {}
    for stream in streams:
        if stream.pk not in stated:
            continue
        chosen, in_effect = _chosen(stated[stream.pk], current[stream.pk].spec)
        alarm = raised.get((stream.pk, population.about(chosen.attempt)), 0)
        found[stream.pk] = Statement(
            attempt=chosen.attempt,
            version=chosen.policy,
            since=max(chosen.first, chosen.attempt.asked_at),  # type: ignore[attr-defined]  # annotated
            in_effect=in_effect,
            ended=_ended(chosen.attempt, stream, heard.get(stream.pk), alarm, moment)
            or ("" if in_effect else "replaced"),
        )
    return found


def _activated(stream_ids: Sequence[int], now: datetime) -> QuerySet[Evidence]:
    """The evidence of versions that took effect, with when they first and last did."""
    effective = Q(policy__activations__effective_at__lte=now)
    return (
        Evidence.objects.filter(policy__stream__in=stream_ids)
        .annotate(
            first=Min("policy__activations__effective_at", filter=effective),
            last=Max("policy__activations__effective_at", filter=effective),
        )
        .filter(first__isnull=False)
        .select_related("policy", "attempt__target", "attempt__stream", "attempt__ending")
        .order_by("last", "attempt_id")
    )


def _chosen(rows: Sequence[Evidence], current: Spec) -> tuple[Evidence, bool]:
    """The latest look whose thresholds decide now, whichever version carries them; else what was in effect last."""
    deciding = [row for row in rows if _lets_out(versions.spec_of(row.policy)) == _lets_out(current)]
    return (max(deciding, key=lambda row: row.attempt_id), True) if deciding else (rows[-1], False)


def _lets_out(spec: Spec) -> tuple[Any, ...]:
    """All that decides about what may go out."""
    return spec.threshold, spec.thresholds, spec.segments, spec.rules, spec.model_versions, spec.on_deadline


def act_on_ended(*, now: datetime | None = None) -> list[Policy]:
    """For every statement that ended, put into effect what its policy says for that case; returns these versions.

    Only ever a version that sends more to people, so one actor may: the system.
    """
    return [version for stream in Stream.objects.order_by("pk") for version in _act(stream, now)]


def _act(stream: Stream, now: datetime | None) -> Iterator[Policy]:
    with transaction.atomic():
        Stream.objects.select_for_update(no_key=True).only("pk").get(pk=stream.pk)
        statement, current = in_force(stream, now=now), versions.active(stream)
        if statement is None or current is None or statement.holds or not statement.in_effect:
            return
        # Once: whatever people decide afterwards is theirs.
        ending, is_new = Ending.objects.get_or_create(
            attempt=statement.attempt, defaults={"reason": statement.ended, "ended_at": clock.current(now)}
        )
        if not is_new:
            return
        log.record(
            actor=SYSTEM,
            verb="statement.ended",
            object_type="attempt",
            object_id=statement.attempt.pk,
            queue=stream.slug,
            after={"number": statement.attempt.number, "reason": ending.reason},
            at=now,
        )
        spec = _stricter(current)
        if spec is not None and spec != current.spec:
            version = versions.save(stream=stream, spec=spec, actor=SYSTEM, now=now)
            versions.activate(policy=version, by=SYSTEM, reason=_WHY[statement.ended], now=now)
            yield version


def _stricter(current: Active) -> Spec | None:
    """What the policy says for when its statement ends; None where it goes on."""
    match current.spec.promise.on_expiry:
        case "check_more":
            return msgspec.structs.replace(current.spec, audit=Audit(rate=1.0, mode="hold"))
        case "all_to_people":
            return msgspec.structs.replace(current.spec, threshold=None, thresholds={}, segments=[])
        case _:
            return None


def _ended(attempt: Attempt, stream: Stream, line: Line | None, alarm: int, now: datetime) -> Ended:
    """line: what is heard now; alarm: the id at which more mistakes than stated were noticed, 0 for never.

    What has ended stays so, whatever is heard next: two versions that take turns end it at the first of the other.
    """
    ending = getattr(attempt, "ending", None)
    if ending is not None:
        return cast("Ended", ending.reason)
    if attempt.schema_number != stream.schema_number:
        return "answers"
    if line is not None and (line.model, line.model_version) != (attempt.model, attempt.model_version):
        return "model_version"
    if alarm >= attempt.first_id:
        return "drift"
    return "expired" if attempt.expires_at <= now else ""
