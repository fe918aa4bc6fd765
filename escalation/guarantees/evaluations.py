"""Evaluations: finding the threshold that meets an error target. Each one is recorded and spends part of delta.

An evaluation that must fail whatever the labels say (no audits, or too few answered ones) is refused beforehand and
costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from escalation import statistics
from escalation.guarantees import certification, queries, sample_size, thresholds
from escalation.guarantees.population import Population
from escalation.guarantees.preparation import (
    PreparedEvaluation,
    choose_grouping,
    describe_shortfall,
    prepare_evaluation,
)
from escalation.guarantees.sample import SampleWindow
from escalation.models import Activation, ErrorTarget, Evaluation, Evidence, Stream, output_id
from escalation.policies import versions
from reviewqueue.activity import log
from reviewqueue.kernel import clock, sql
from reviewqueue.kernel.errors import Invalid


@dataclass(frozen=True, slots=True)
class GroupResult:
    """The result for one group: a threshold with its counts and bound, or the reason why there is none.

    delta: the probability that this guarantee is false. coverage: the share of the group's outputs in the window at or
    above the threshold. starts: the thresholds at which walks began, each with its share of delta.
    """

    group: str
    delta: float
    starts: list[tuple[float, float]]
    threshold: float | None = None
    accepted: int = 0
    wrong: int = 0
    bound: float | None = None
    coverage: float | None = None
    refusal: str = ""
    params: Mapping[str, Any] | None = None


def run_evaluation(
    stream: Stream,
    *,
    by: str,
    covered: Population | None = None,
    number: int | None = None,
    now: datetime | None = None,
) -> Evaluation:
    """Evaluate the labels once and record the result. Raises EvaluationRefused if the evaluation must fail.

    number: the evaluation whose price was accepted; if another one is next by now, Invalid. Concurrent calls run one
    after the other and, without a number, count as two evaluations.
    """
    with transaction.atomic():
        Stream.objects.select_for_update(no_key=True).only("pk").get(pk=stream.pk)
        prepared, moment = prepare_evaluation(stream, covered=covered, now=now), clock.current_time(now)
        if number not in {None, prepared.number}:
            raise Invalid(_("Evaluation %(number)s was run in the meantime. Its result is below.") % {"number": number})
        results = _evaluate_groups(prepared, stream, moment)
        evaluation = Evaluation.objects.create(
            stream=stream,
            target=prepared.target,
            model=prepared.population.model,
            model_version=prepared.population.model_version,
            schema_number=prepared.population.schema_number,
            number=prepared.number,
            spent=prepared.total_delta,
            first_id=prepared.sample.window.first,
            last_id=prepared.sample.window.last,
            audit_rate=prepared.sample.window.rate,
            max_error=prepared.max_error,
            reviewer_recall=asdict(prepared.recall) if prepared.recall else None,
            sampled=prepared.sample.sampled,
            resolved=prepared.sample.sampled - prepared.sample.unresolved,
            overdue=prepared.sample.unresolved,
            groups=[asdict(group) for group in results],
            refusal="" if any(group.threshold is not None for group in results) else results[0].refusal,
            params={} if any(group.threshold is not None for group in results) else dict(results[0].params or {}),
            grid_hash=thresholds.GRID_HASH,
            labels_hash=prepared.sample.labels_hash,
            conditions_hash=prepared.conditions_hash,
            asked_by=by,
            asked_at=moment,
            expires_at=moment + timedelta(days=prepared.expires_days),
        )
        log.record_event(
            actor=by,
            verb="target.attempted",
            object_type="attempt",
            object_id=evaluation.pk,
            queue=stream.slug,
            after={"number": evaluation.number, "spent": evaluation.spent, "refusal": evaluation.refusal},
            at=now,
        )
    return evaluation


def parse_group_results(evaluation: Evaluation) -> list[GroupResult]:
    """The typed results of an evaluation."""
    return [GroupResult(**{**row, "starts": [tuple(start) for start in row["starts"]]}) for row in evaluation.groups]


def _evaluate_groups(prepared: PreparedEvaluation, stream: Stream, now: datetime) -> list[GroupResult]:
    """The result of each group; the probability that any of them is false is <= delta."""
    delta = prepared.threshold_delta / len(prepared.group_names)
    histograms = _count_by_bin(stream, prepared)
    return [
        _evaluate_group(prepared, name, delta, histograms.get(name, {}), stream, now) for name in prepared.group_names
    ]


def _evaluate_group(
    prepared: PreparedEvaluation, name: str, delta: float, histogram: Mapping[int, int], stream: Stream, now: datetime
) -> GroupResult:
    members = prepared.members(name)
    answered = prepared.count_answered(name)
    if answered < prepared.min_audits:
        return GroupResult(
            name, delta, [], refusal="too_few", params=describe_shortfall(prepared, answered, stream, now)
        )
    scores, wrong = prepared.sample.scores[members], prepared.sample.wrong[members]
    deployed = _find_deployed_threshold(prepared, stream, now)
    starts = certification.choose_starts(scores, alpha=prepared.max_error, delta=delta, deployed=deployed)
    starts_by_threshold = [
        (float(certification.THRESHOLDS_STRICT_TO_LOOSE[start.index]), start.delta) for start in starts
    ]
    found = certification.certify_grid_threshold(scores, wrong, starts, alpha=prepared.max_error, delta=delta)
    if found is None:
        accepted, missed = statistics.count_accepted(scores, wrong, certification.THRESHOLDS_STRICT_TO_LOOSE)
        next_delta = (
            delta
            * statistics.compute_evaluation_delta(1.0, prepared.number + 1)
            / statistics.compute_evaluation_delta(1.0, prepared.number)
        )
        more = sample_size.estimate_additional_audits(
            accepted, missed, n=len(scores), alpha=prepared.max_error, delta=next_delta
        )
        days = (
            None if more is None else sample_size.estimate_collection_days(stream, prepared.population, more, now=now)
        )
        params = {"more": more, "days": days, "answered": len(scores)}
        return GroupResult(name, delta, starts_by_threshold, refusal="too_many_errors", params=params)
    return GroupResult(
        name,
        delta,
        starts_by_threshold,
        threshold=found.threshold,
        accepted=found.accepted,
        wrong=found.wrong,
        bound=found.bound,
        coverage=_share_at_or_above(histogram, found.threshold),
    )


def _find_deployed_threshold(prepared: PreparedEvaluation, stream: Stream, now: datetime) -> float | None:
    """The overall threshold in use, for a guarantee about everything; None if there is none or it must not be used.

    It may be used only if nobody can have picked it from these labels: in effect since before the first of them, or
    found by an evaluation.
    """
    current = versions.find_active_policy(stream)
    if current is None or not prepared.is_for_everything:
        return None
    activations = Activation.objects.filter(stream=stream, policy=current.policy_id)
    began = output_id.time_of_id(prepared.sample.window.first)
    precedes_labels = activations.filter(effective_at__lte=min(began, now)).exists()
    is_certified = Evidence.objects.filter(policy=current.policy_id).exists()
    return current.spec.threshold if precedes_labels or is_certified else None


def _count_by_bin(stream: Stream, prepared: PreparedEvaluation) -> dict[str, dict[int, int]]:
    """How many of the window's outputs of each group fall into each confidence bin of the grid; uses no labels."""
    kind, _, key = choose_grouping(prepared.target).partition(":")
    expression = {"": "''", "predicted": "o.predicted", "segment": "COALESCE(o.segment ->> %(key)s, '')"}[kind]
    window: SampleWindow = prepared.sample.window
    histograms: dict[str, dict[int, int]] = {}
    for name, bin_index, count in sql.fetch_tuples(
        queries.HISTOGRAM.format(group=expression),
        {
            "stream": stream.pk,
            "first": window.first,
            "last": window.last,
            "edges": list(thresholds.THRESHOLDS),
            "key": key,
            **asdict(prepared.population),
        },
    ):
        histograms.setdefault(name, {})[bin_index] = count
    return histograms


def _share_at_or_above(histogram: Mapping[int, int], threshold: float) -> float | None:
    total = sum(histogram.values())
    first = thresholds.THRESHOLDS.index(threshold)
    return sum(count for bin_index, count in histogram.items() if bin_index >= first) / total if total else None


def build_spec_changes(evaluation: Evaluation) -> dict[str, Any]:
    """The thresholds that an evaluation certified, as changes to a policy's plain data.

    A guarantee for everything sets the overall threshold and drops the others. Guarantees per group set a threshold for
    each certified group; everything else is sent to review.
    """
    certified = {
        group.group: group.threshold for group in parse_group_results(evaluation) if group.threshold is not None
    }
    match evaluation.target.groups:
        case ErrorTarget.Grouping.CLASSES:
            return {"threshold": None, "thresholds": certified, "segments": []}
        case ErrorTarget.Grouping.SEGMENTS:
            key = evaluation.target.segment_key
            parts = [{"when": {key: value}, "threshold": threshold} for value, threshold in certified.items()]
            return {"threshold": None, "thresholds": {}, "segments": parts}
        case _:
            return {"threshold": certified[""], "thresholds": {}, "segments": []}


def find_window_times(evaluation: Evaluation) -> tuple[datetime, datetime]:
    """When the window of an evaluation begins and ends, by time of receipt."""
    return output_id.time_of_id(evaluation.first_id), output_id.time_of_id(evaluation.last_id)


def list_certified_groups(groups: Sequence[GroupResult]) -> list[str]:
    """The names of the groups that have a certified threshold."""
    return [group.group for group in groups if group.threshold is not None]
