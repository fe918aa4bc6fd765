"""Guarantees of the policy in effect: their evidence, until when they hold, and what happens when they end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

import msgspec
from django.db import transaction
from django.db.models import Max, Min, Q, QuerySet

from escalation.guarantees import alarms, evaluations, group_results, population, preparation, targets
from escalation.guarantees.population import RecentTraffic
from escalation.models import Evaluation, Evidence, GuaranteeEnding, Policy, Stream
from escalation.policies import versions
from escalation.policies.spec import AuditSettings, PolicySpec
from escalation.policies.versions import ActivePolicy, ProposedVersion
from reviewqueue.activity import log
from reviewqueue.kernel import clock

SYSTEM_ACTOR = "system:statements"
# The reason recorded with the activation that follows the end of a guarantee.
_END_REASON_TEXTS = {
    "answers": "The guarantee ended: the stream's answers have changed.",
    "model_version": "The guarantee ended: the model version has changed.",
    "drift": "The guarantee ended: audits found more errors than it allows.",
    "expired": "The guarantee ended: it has expired.",
}

# Why a guarantee no longer holds; empty while it does. `replaced`: different settings decide what is automated now.
type EndReason = Literal["", "replaced", "answers", "model_version", "drift", "expired"]


@dataclass(frozen=True, slots=True)
class Guarantee:
    """The evaluation behind the thresholds in effect, and the policy version that introduced them.

    `in_effect`: the certified settings still decide what is automated. `end_reason` is empty while the guarantee holds.
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
    """Propose a policy version with the thresholds of an evaluation, and with the evaluation as its evidence.

    It takes effect like any other version: at once if it can only send more to review, otherwise after a second person
    approves it. Raises EvaluationRefused if no threshold was certified, or if the guarantee would end at once.
    """
    if not group_results.list_certified_groups(group_results.parse_group_results(evaluation)):
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


def evaluate_evidence(*, now: datetime | None = None) -> list[Evaluation]:
    """Evaluate every stream with an error target; returns the results that certify more than before, or anew.

    A result with the thresholds in effect renews their guarantee: nothing is loosened, so nobody has to approve it.
    """
    targeted = Stream.objects.filter(targets__isnull=False).distinct().order_by("pk")
    made = [found for stream in targeted if (found := evaluations.record_progress(stream, now=now)) is not None]
    for evaluation in made:
        current = versions.find_active_policy(evaluation.stream)
        if current is not None and not _changes_thresholds(evaluation, current.spec):
            Evidence.objects.get_or_create(policy_id=current.policy_id, evaluation=evaluation)
    return made


def find_earned_evaluations(
    streams: Sequence[Stream], active: Mapping[int, ActivePolicy], *, now: datetime | None = None
) -> dict[int, Evaluation]:
    """The latest evaluation of each stream whose thresholds are not in effect and could be proposed now.

    active: the policies in effect. By stream id; streams without one are left out. One query if there are none.
    """
    latest = (
        Evaluation.objects.filter(stream__in=[stream.pk for stream in streams], refusal="", evidence=None)
        .exclude(line=None)
        .select_related("target", "stream")
        .order_by("stream_id", "-pk")
        .distinct("stream_id")
    )
    return {
        evaluation.stream_id: evaluation
        for evaluation in latest
        if evaluation.stream_id in active and _is_earned(evaluation, active[evaluation.stream_id].spec, now)
    }


def _is_earned(evaluation: Evaluation, current: PolicySpec, now: datetime | None) -> bool:
    return (
        _changes_thresholds(evaluation, current)
        and preparation.hash_conditions(current) == evaluation.conditions_hash
        and evaluation.target == targets.find_error_target(evaluation.stream)
        and not _is_superseded(evaluation)
        and not find_end_reason(evaluation, now=now)
    )


def _changes_thresholds(evaluation: Evaluation, current: PolicySpec) -> bool:
    in_effect = msgspec.to_builtins(current)
    return any(in_effect[name] != value for name, value in evaluations.build_spec_changes(evaluation).items())


def _is_superseded(evaluation: Evaluation) -> bool:
    """Whether a later evaluation of the stream has been proposed, so that this one is behind."""
    return Evidence.objects.filter(evaluation__stream=evaluation.stream_id, evaluation__gt=evaluation.pk).exists()


def covers_policy(guarantee: Guarantee, spec: PolicySpec) -> bool:
    """Whether a policy automates exactly what the guarantee is about, so that its guarantee would go on."""
    return _automation_conditions(versions.spec_of(guarantee.version)) == _automation_conditions(spec)


def find_end_reason(evaluation: Evaluation, *, now: datetime | None = None) -> EndReason:
    """Why the guarantee of an evaluation would not hold if it took effect now; empty if it would."""
    recent, alarm = (
        population.find_recent_traffic([evaluation.stream_id]).get(evaluation.stream_id),
        alarms.find_last_alarm(evaluation.stream_id, population.evaluated_population(evaluation)),
    )
    return _decide_end_reason(evaluation, evaluation.stream, recent, alarm, clock.current_time(now))


def find_latest_guarantee(stream: Stream, *, now: datetime | None = None) -> Guarantee | None:
    """The latest guarantee, whether or not it still holds; None if there never was one.

    It survives versions that do not change what may be automated: more audits, other costs, more reviews.
    """
    return find_latest_guarantees([stream], now=now).get(stream.pk)


def find_latest_guarantees(streams: Sequence[Stream], *, now: datetime | None = None) -> dict[int, Guarantee]:
    """`find_latest_guarantee` for several streams, by stream id, in a fixed number of queries."""
    moment, evidence = clock.current_time(now), defaultdict[int, list[Evidence]](list)
    for row in _filter_activated_evidence([stream.pk for stream in streams], moment):
        evidence[row.policy.stream_id].append(row)
    if not evidence:
        return {}
    active, populations, alarm_ids = (
        versions.find_active_policies(evidence),
        population.find_recent_traffic(list(evidence)),
        alarms.find_last_alarms(list(evidence)),
    )
    guarantees = {}
    for stream in streams:
        if stream.pk not in evidence:
            continue
        chosen, in_effect = _choose_evidence(evidence[stream.pk], active[stream.pk].spec)
        alarm = alarm_ids.get((stream.pk, population.evaluated_population(chosen.evaluation)), 0)
        guarantees[stream.pk] = Guarantee(
            evaluation=chosen.evaluation,
            version=chosen.policy,
            since=max(chosen.first, chosen.evaluation.asked_at),  # type: ignore[attr-defined]  # annotated
            in_effect=in_effect,
            end_reason=_decide_end_reason(chosen.evaluation, stream, populations.get(stream.pk), alarm, moment)
            or ("" if in_effect else "replaced"),
        )
    return guarantees


def _filter_activated_evidence(stream_ids: Sequence[int], now: datetime) -> QuerySet[Evidence]:
    """The evidence of versions that took effect, annotated with the first and last time that they did."""
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
    """The evidence that applies, and whether its settings are in effect now.

    That is the latest evaluation whose settings are in effect, whichever version has them; otherwise the evidence of
    the version that was in effect last.
    """
    deciding = [
        row for row in rows if _automation_conditions(versions.spec_of(row.policy)) == _automation_conditions(current)
    ]
    return (max(deciding, key=lambda row: row.evaluation_id), True) if deciding else (rows[-1], False)


def _automation_conditions(spec: PolicySpec) -> tuple[Any, ...]:
    """All settings that decide what may be automated."""
    return spec.threshold, spec.thresholds, spec.segments, spec.rules, spec.model_versions, spec.on_deadline


def enforce_ended_guarantees(*, now: datetime | None = None) -> list[Policy]:
    """Apply `on_expiry` of each policy whose guarantee has ended; returns the policy versions activated by this.

    Such a version can only send more to review, so it needs no second person: the system activates it alone.
    """
    return [version for stream in Stream.objects.order_by("pk") for version in _enforce_end(stream, now)]


def _enforce_end(stream: Stream, now: datetime | None) -> Iterator[Policy]:
    with transaction.atomic():
        stream = Stream.objects.select_for_update(no_key=True).get(pk=stream.pk)
        guarantee, current = find_latest_guarantee(stream, now=now), versions.find_active_policy(stream)
        if guarantee is None or current is None or guarantee.holds or not guarantee.in_effect:
            return
        if current.schema_number != stream.schema_number:
            return  # All outputs go to review; what the policy says comes once it is approved for the changed answers.
        # Only once: it must not override what managers decide afterwards.
        ending, is_new = GuaranteeEnding.objects.get_or_create(
            evaluation=guarantee.evaluation,
            defaults={"reason": guarantee.end_reason, "ended_at": clock.current_time(now)},
        )
        if not is_new:
            return
        log.record_event(
            actor=SYSTEM_ACTOR,
            verb="statement.ended",
            object_type="attempt",
            object_id=guarantee.evaluation.pk,
            queue=stream.slug,
            after={"number": guarantee.evaluation.number, "reason": ending.reason},
            at=now,
        )
        spec = _build_fallback_spec(current)
        if spec is not None and spec != current.spec:
            version = versions.save_version(stream=stream, spec=spec, actor=SYSTEM_ACTOR, now=now)
            versions.activate_version(
                policy=version, by=SYSTEM_ACTOR, reason=_END_REASON_TEXTS[guarantee.end_reason], now=now
            )
            yield version


def _build_fallback_spec(current: ActivePolicy) -> PolicySpec | None:
    """The policy to use once the guarantee has ended; None to keep the current one."""
    match current.spec.guarantee.on_expiry:
        case "check_more":
            return msgspec.structs.replace(current.spec, audit=AuditSettings(rate=1.0, mode="hold"))
        case "all_to_people":
            return msgspec.structs.replace(current.spec, threshold=None, thresholds={}, segments=[])
        case _:
            return None


def _decide_end_reason(
    evaluation: Evaluation, stream: Stream, recent: RecentTraffic | None, alarm: int, now: datetime
) -> EndReason:
    """Why the guarantee of an evaluation has ended; empty if it has not.

    recent: the stream's recent traffic. alarm: the id of the output that raised the latest drift alarm, 0 for none. An
    ended guarantee never holds again, whatever model version the outputs come from later.
    """
    ending = getattr(evaluation, "ending", None)
    if ending is not None:
        return cast("EndReason", ending.reason)
    if evaluation.schema_number != stream.schema_number:
        return "answers"
    if recent is not None and recent.has_moved_on(population.evaluated_population(evaluation)):
        return "model_version"
    if alarm >= evaluation.first_id:
        return "drift"
    return "expired" if evaluation.expires_at <= now else ""
