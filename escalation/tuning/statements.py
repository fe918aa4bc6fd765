"""What is stated about the policy in effect: on which evidence, until when, and what happens when it ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
from django.db import transaction

from escalation import policies
from escalation.models import Activation, Attempt, Evidence, Policy, Stream
from escalation.policies import Active, Proposed
from escalation.policy import Audit
from escalation.policy import Policy as Spec
from escalation.tuning import attempts, sample
from escalation.tuning.sample import Line
from reviewqueue import clock

SYSTEM = "system:statements"

# Why a statement does not hold any more.
type Ended = Literal["", "expired", "model_version", "answers", "drift"]


@dataclass(frozen=True, slots=True)
class Statement:
    """An attempt that the policy in effect was made from; `ended` is empty while it holds."""

    attempt: Attempt
    policy: int
    since: datetime
    ended: Ended

    @property
    def holds(self) -> bool:
        return not self.ended


def propose(*, attempt: Attempt, actor: str, reason: str = "", now: datetime | None = None) -> Proposed:
    """A policy version with the thresholds that an attempt found, and the attempt as its evidence.

    It takes effect as any other version does: at once where it sends more to people, else when a second person
    approves it. Raises Refused for an attempt without a threshold.
    """
    if not attempts.names_of(attempts.groups_of(attempt)):
        raise attempts.Refused("nothing_found")
    with transaction.atomic():
        current = policies.active(attempt.stream)
        base = current.spec if current else Spec()
        spec = policies.checked({**msgspec.to_builtins(base), **attempts.spec_of(attempt)})
        version = policies.save(stream=attempt.stream, spec=spec, actor=actor)
        Evidence.objects.get_or_create(policy=version, attempt=attempt)
        return policies.propose(stream=attempt.stream, spec=spec, actor=actor, reason=reason, now=now)


def in_force(stream: Stream, *, now: datetime | None = None) -> Statement | None:
    """The statement about the policy in effect, whether or not it still holds; None where there never was one."""
    return all_in_force([stream], now=now).get(stream.pk)


def all_in_force(streams: Sequence[Stream], *, now: datetime | None = None) -> dict[int, Statement]:
    """The same of several streams, by their keys, in a fixed number of queries."""
    current = policies.active_of([stream.pk for stream in streams])
    attempts_of = _evidence_of([active.policy_id for active in current.values()])
    stated = [stream for stream in streams if stream.pk in current and current[stream.pk].policy_id in attempts_of]
    if not stated:
        return {}
    lines, moment = sample.lines_of([stream.pk for stream in stated]), clock.current(now)
    since = Activation.objects.in_bulk([current[stream.pk].activation_id for stream in stated])
    return {
        stream.pk: Statement(
            attempt=(attempt := attempts_of[current[stream.pk].policy_id]),
            policy=current[stream.pk].number,
            since=since[current[stream.pk].activation_id].effective_at,
            ended=_ended(stream, attempt, lines.get(stream.pk), moment),
        )
        for stream in stated
    }


def evidence_of(policy_id: int) -> Attempt | None:
    """The latest attempt that a policy version was made from."""
    return _evidence_of([policy_id]).get(policy_id)


def _evidence_of(policy_ids: Sequence[int]) -> dict[int, Attempt]:
    rows = Evidence.objects.filter(policy_id__in=policy_ids).select_related("attempt__target", "attempt__stream")
    return {row.policy_id: row.attempt for row in rows.order_by("pk")}


def act_on_ended(*, now: datetime | None = None) -> list[Policy]:
    """For every statement that ended, put into effect what its policy says for that case; returns these versions.

    Only ever a version that sends more to people, so one actor may: the system.
    """
    return [version for stream in Stream.objects.order_by("pk") for version in _act(stream, now)]


def _act(stream: Stream, now: datetime | None) -> Iterator[Policy]:
    with transaction.atomic():
        Stream.objects.select_for_update(no_key=True).only("pk").get(pk=stream.pk)
        statement, current = in_force(stream, now=now), policies.active(stream)
        if statement is None or statement.holds or current is None:
            return
        spec = _stricter(current)
        if spec is not None:
            version = policies.save(stream=stream, spec=spec, actor=SYSTEM)
            policies.activate(policy=version, by=SYSTEM, reason=f"The statement ended: {statement.ended}.", now=now)
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


def _ended(stream: Stream, attempt: Attempt, line: Line | None, now: datetime) -> Ended:
    if attempt.schema_number != stream.schema_number:
        return "answers"
    if line is not None and (line.model, line.model_version) != (attempt.model, attempt.model_version):
        return "model_version"
    return "expired" if attempt.expires_at <= now else ""
