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
from escalation.guarantees.population import Population
from escalation.models import Evaluation, Evidence, GuaranteeEnding, Policy, Stream
from escalation.policies import versions
from escalation.policies.spec import AuditSettings, PolicySpec
from escalation.policies.versions import ActivePolicy, ProposedVersion
from reviewqueue.activity import log
from reviewqueue.kernel import clock

SYSTEM_ACTOR = "system:statements"
# What an activation says about a statement that ended.
_END_REASON_TEXTS = {
    "answers": "The statement about mistakes was about other answers.",
    "model_version": "The statement about mistakes was about another version of the model.",
    "drift": "More went wrong among random checks than the statement about mistakes allows.",
    "expired": "The statement about mistakes was for a limited time, which is over.",
}

# Why a statement does not hold any more. `replaced`: what may go out is decided otherwise now.
type EndReason = Literal["", "replaced", "answers", "model_version", "drift", "expired"]


@dataclass(frozen=True, slots=True)
class Guarantee:
    """The attempt behind the thresholds in effect, and the version that brought them.

    `in_effect`: what it is about still decides. `ended` is empty while it holds.
    """

    evaluation: Evaluation
    version: Policy
    since: datetime
    in_effect: bool
    end_reason: EndReason

    @property
    def holds(self) -> bool:
        return not self.end_reason

    @property
    def policy_number(self) -> int:
        return self.version.number


def propose_certified_policy(
    *, evaluation: Evaluation, actor: str, reason: str = "", now: datetime | None = None
) -> ProposedVersion:
    """A policy version with the thresholds that an attempt found, and the attempt as its evidence.

    It takes effect as any other version does: at once where it sends more to people, else when a second person
    approves it. Raises Refused for an attempt without a threshold, and for one that would end at once.
    """
    if not evaluations.list_certified_groups(evaluations.parse_group_results(evaluation)):
        raise preparation.EvaluationRefused("nothing_found")
    if find_end_reason(evaluation, now=now) or evaluation.target != targets.find_error_target(evaluation.stream):
        raise preparation.EvaluationRefused("outdated")
    with transaction.atomic():
        current = versions.find_active_policy(evaluation.stream)
        base = current.spec if current else PolicySpec()
        if preparation.hash_conditions(base) != evaluation.conditions_hash:
            raise preparation.EvaluationRefused("outdated")
        spec = versions.validate_spec({**msgspec.to_builtins(base), **evaluations.build_spec_changes(evaluation)})
        version = versions.save_version(stream=evaluation.stream, spec=spec, actor=actor, now=now)
        Evidence.objects.get_or_create(policy=version, evaluation=evaluation)
        return versions.propose_version(stream=evaluation.stream, spec=spec, actor=actor, reason=reason, now=now)


def find_end_reason(evaluation: Evaluation, *, now: datetime | None = None) -> EndReason:
    """Why what a look found would not hold if it took effect now; empty where it would."""
    line, alarm = (
        population.current_population(evaluation.stream),
        alarms.find_last_alarm(evaluation.stream_id, population.evaluated_population(evaluation)),
    )
    return _decide_end_reason(evaluation, evaluation.stream, line, alarm, clock.current_time(now))


def find_latest_guarantee(stream: Stream, *, now: datetime | None = None) -> Guarantee | None:
    """The latest statement about what goes out, whether or not it still holds; None where there never was one.

    It outlives versions that change nothing about what may go out: more checks, other costs, more reviews.
    """
    return find_latest_guarantees([stream], now=now).get(stream.pk)


def find_latest_guarantees(streams: Sequence[Stream], *, now: datetime | None = None) -> dict[int, Guarantee]:
    """The same of several streams, by their keys, in a fixed number of queries."""
    moment, stated = clock.current_time(now), defaultdict[int, list[Evidence]](list)
    for row in _filter_activated_evidence([stream.pk for stream in streams], moment):
        stated[row.policy.stream_id].append(row)
    if not stated:
        return {}
    current, heard, raised = (
        versions.find_active_policies(stated),
        population.current_populations(list(stated)),
        alarms.find_last_alarms(list(stated)),
    )
    found = {}
    for stream in streams:
        if stream.pk not in stated:
            continue
        chosen, in_effect = _choose_evidence(stated[stream.pk], current[stream.pk].spec)
        alarm = raised.get((stream.pk, population.evaluated_population(chosen.evaluation)), 0)
        found[stream.pk] = Guarantee(
            evaluation=chosen.evaluation,
            version=chosen.policy,
            since=max(chosen.first, chosen.evaluation.asked_at),  # type: ignore[attr-defined]  # annotated
            in_effect=in_effect,
            end_reason=_decide_end_reason(chosen.evaluation, stream, heard.get(stream.pk), alarm, moment)
            or ("" if in_effect else "replaced"),
        )
    return found


def _filter_activated_evidence(stream_ids: Sequence[int], now: datetime) -> QuerySet[Evidence]:
    """The evidence of versions that took effect, with when they first and last did."""
    effective = Q(policy__activations__effective_at__lte=now)
    return (
        Evidence.objects.filter(policy__stream__in=stream_ids)
        .annotate(
            first=Min("policy__activations__effective_at", filter=effective),
            last=Max("policy__activations__effective_at", filter=effective),
        )
        .filter(first__isnull=False)
        .select_related("policy", "evaluation__target", "evaluation__stream", "evaluation__ending")
        .order_by("last", "evaluation_id")
    )


def _choose_evidence(rows: Sequence[Evidence], current: PolicySpec) -> tuple[Evidence, bool]:
    """The latest look whose thresholds decide now, whichever version carries them; else what was in effect last."""
    deciding = [
        row for row in rows if _automation_conditions(versions.spec_of(row.policy)) == _automation_conditions(current)
    ]
    return (max(deciding, key=lambda row: row.evaluation_id), True) if deciding else (rows[-1], False)


def _automation_conditions(spec: PolicySpec) -> tuple[Any, ...]:
    """All that decides about what may go out."""
    return spec.threshold, spec.thresholds, spec.segments, spec.rules, spec.model_versions, spec.on_deadline


def enforce_ended_guarantees(*, now: datetime | None = None) -> list[Policy]:
    """For every statement that ended, put into effect what its policy says for that case; returns these versions.

    Only ever a version that sends more to people, so one actor may: the system.
    """
    return [version for stream in Stream.objects.order_by("pk") for version in _enforce_end(stream, now)]


def _enforce_end(stream: Stream, now: datetime | None) -> Iterator[Policy]:
    with transaction.atomic():
        Stream.objects.select_for_update(no_key=True).only("pk").get(pk=stream.pk)
        statement, current = find_latest_guarantee(stream, now=now), versions.find_active_policy(stream)
        if statement is None or current is None or statement.holds or not statement.in_effect:
            return
        # Once: whatever people decide afterwards is theirs.
        ending, is_new = GuaranteeEnding.objects.get_or_create(
            evaluation=statement.evaluation,
            defaults={"reason": statement.end_reason, "ended_at": clock.current_time(now)},
        )
        if not is_new:
            return
        log.record_event(
            actor=SYSTEM_ACTOR,
            verb="statement.ended",
            object_type="attempt",
            object_id=statement.evaluation.pk,
            queue=stream.slug,
            after={"number": statement.evaluation.number, "reason": ending.reason},
            at=now,
        )
        spec = _build_fallback_spec(current)
        if spec is not None and spec != current.spec:
            version = versions.save_version(stream=stream, spec=spec, actor=SYSTEM_ACTOR, now=now)
            versions.activate_version(
                policy=version, by=SYSTEM_ACTOR, reason=_END_REASON_TEXTS[statement.end_reason], now=now
            )
            yield version


def _build_fallback_spec(current: ActivePolicy) -> PolicySpec | None:
    """What the policy says for when its statement ends; None where it goes on."""
    match current.spec.guarantee.on_expiry:
        case "check_more":
            return msgspec.structs.replace(current.spec, audit=AuditSettings(rate=1.0, mode="hold"))
        case "all_to_people":
            return msgspec.structs.replace(current.spec, threshold=None, thresholds={}, segments=[])
        case _:
            return None


def _decide_end_reason(
    evaluation: Evaluation, stream: Stream, line: Population | None, alarm: int, now: datetime
) -> EndReason:
    """line: what is heard now; alarm: the id at which more mistakes than stated were noticed, 0 for never.

    What has ended stays so, whatever is heard next: two versions that take turns end it at the first of the other.
    """
    ending = getattr(evaluation, "ending", None)
    if ending is not None:
        return cast("EndReason", ending.reason)
    if evaluation.schema_number != stream.schema_number:
        return "answers"
    if line is not None and (line.model, line.model_version) != (evaluation.model, evaluation.model_version):
        return "model_version"
    if alarm >= evaluation.first_id:
        return "drift"
    return "expired" if evaluation.expires_at <= now else ""
