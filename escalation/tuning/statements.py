"""What is stated about the policy in effect: on which evidence, until when, and what happens when it ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec
from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery

from escalation import policies
from escalation.models import Activation, Attempt, Evidence, Policy, Stream
from escalation.policies import Active, Proposed
from escalation.policy import Audit
from escalation.policy import Policy as Spec
from escalation.tuning import alarms, attempts, lines, targets
from escalation.tuning.lines import Line
from reviewqueue import clock

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
    """The attempt behind the thresholds in effect, and the activation that brought them into effect.

    `in_effect`: what it is about still decides. `ended` is empty while it holds.
    """

    attempt: Attempt
    activation: Activation
    in_effect: bool
    ended: Ended

    @property
    def holds(self) -> bool:
        return not self.ended

    @property
    def policy(self) -> int:
        return self.activation.policy.number

    @property
    def since(self) -> datetime:
        return self.activation.effective_at


def propose(*, attempt: Attempt, actor: str, reason: str = "", now: datetime | None = None) -> Proposed:
    """A policy version with the thresholds that an attempt found, and the attempt as its evidence.

    It takes effect as any other version does: at once where it sends more to people, else when a second person
    approves it. Raises Refused for an attempt without a threshold, and for one that would end at once.
    """
    if not attempts.names_of(attempts.groups_of(attempt)):
        raise attempts.Refused("nothing_found")
    line = lines.of(attempt.stream)
    alarm = alarms.last(attempt.stream_id, lines.about(attempt))
    ended = _ended(attempt.stream, attempt, line, alarm, clock.current(now))
    if ended or attempt.target != targets.target(attempt.stream):
        raise attempts.Refused("outdated")
    with transaction.atomic():
        current = policies.active(attempt.stream)
        base = current.spec if current else Spec()
        spec = policies.checked({**msgspec.to_builtins(base), **attempts.spec_of(attempt)})
        version = policies.save(stream=attempt.stream, spec=spec, actor=actor)
        Evidence.objects.get_or_create(policy=version, attempt=attempt)
        return policies.propose(stream=attempt.stream, spec=spec, actor=actor, reason=reason, now=now)


def in_force(stream: Stream, *, now: datetime | None = None) -> Statement | None:
    """The latest statement about what goes out, whether or not it still holds; None where there never was one.

    It outlives versions that change nothing about what may go out: more checks, other costs, more reviews.
    """
    return all_in_force([stream], now=now).get(stream.pk)


def all_in_force(streams: Sequence[Stream], *, now: datetime | None = None) -> dict[int, Statement]:
    """The same of several streams, by their keys, in a fixed number of queries."""
    by_key = {stream.pk: stream for stream in streams}
    stated = _stated(list(by_key))
    if not stated:
        return {}
    current, heard = policies.active_of(list(stated)), lines.of_streams(list(stated))
    evidence = _evidence_of([activation.policy_id for activation in stated.values()])
    raised, moment = alarms.last_of(list(stated)), clock.current(now)
    found = {}
    for key, activation in stated.items():
        attempt = evidence[activation.policy_id]
        alarm = raised.get((key, lines.about(attempt)), 0)
        in_effect = _lets_out(current[key].spec) == _lets_out(policies.spec_of(activation.policy))
        ended = _ended(by_key[key], attempt, heard.get(key), alarm, moment) or ("" if in_effect else "replaced")
        found[key] = Statement(attempt=attempt, activation=activation, in_effect=in_effect, ended=ended)
    return found


def _stated(stream_ids: Sequence[int]) -> dict[int, Activation]:
    """Of each stream the latest activation of a version that has evidence."""
    rows = Activation.objects.filter(stream__in=stream_ids).filter(
        Exists(Evidence.objects.filter(policy=OuterRef("policy")))
    )
    latest = rows.order_by("stream_id", "-effective_at", "-id").distinct("stream_id").select_related("policy")
    return {activation.stream_id: activation for activation in latest}


def _lets_out(spec: Spec) -> tuple[Any, ...]:
    """All that decides about what may go out."""
    return spec.threshold, spec.thresholds, spec.segments, spec.rules, spec.model_versions


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
        if statement is None or current is None or statement.holds or not statement.in_effect:
            return
        # Whatever people have decided since is theirs: the system acts on what was stated, once.
        if _has_acted(stream, statement.attempt):
            return
        spec = _stricter(current)
        if spec is not None and spec != current.spec:
            version = policies.save(stream=stream, spec=spec, actor=SYSTEM)
            policies.activate(policy=version, by=SYSTEM, reason=_WHY[statement.ended], now=now)
            yield version


def _has_acted(stream: Stream, attempt: Attempt) -> bool:
    """Whether the system has put a version into effect since the attempt's thresholds first took effect."""
    of_stream = Activation.objects.filter(stream=stream)
    first = of_stream.filter(policy__evidence__attempt=attempt).order_by("pk").values("pk")[:1]
    return of_stream.filter(activated_by=SYSTEM, pk__gt=Subquery(first)).exists()


def _stricter(current: Active) -> Spec | None:
    """What the policy says for when its statement ends; None where it goes on."""
    match current.spec.promise.on_expiry:
        case "check_more":
            return msgspec.structs.replace(current.spec, audit=Audit(rate=1.0, mode="hold"))
        case "all_to_people":
            return msgspec.structs.replace(current.spec, threshold=None, thresholds={}, segments=[])
        case _:
            return None


def _ended(stream: Stream, attempt: Attempt, line: Line | None, alarm: int, now: datetime) -> Ended:
    """line: what is heard now; alarm: the id at which more mistakes than stated were noticed, 0 for never."""
    if attempt.schema_number != stream.schema_number:
        return "answers"
    if line is not None and (line.model, line.model_version) != (attempt.model, attempt.model_version):
        return "model_version"
    if alarm >= attempt.first_id:
        return "drift"
    return "expired" if attempt.expires_at <= now else ""
