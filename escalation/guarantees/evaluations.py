"""Evaluations: finding the threshold that meets an error target, as often as one likes.

An evaluation reads a line of evidence (`guarantees.lines`): once exactly, from the declared number of audits, and ever
after by evidence that may be read at any time. The product evaluates by itself and records a result when it certifies
a looser threshold than before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Max
from numpy.typing import NDArray

from escalation import statistics
from escalation.guarantees import certification, lines, queries, sample_size, thresholds, units
from escalation.guarantees.population import Population
from escalation.guarantees.preparation import (
    EvaluationRefused,
    PreparedEvaluation,
    describe_shortfall,
    prepare_evaluation,
)
from escalation.models import ErrorTarget, Evaluation, Stream, output_id
from reviewqueue.activity import log
from reviewqueue.kernel import clock, sql

# The two ways in which a result is found.
DECLARED, ANYTIME = "declared", "anytime"
# A result is renewed after this share of the days for which a guarantee is valid.
RENEWED_AFTER_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class GroupResult:
    """The result for one group: a threshold with its counts and bound, or the reason why there is none.

    delta: the probability that this guarantee is false. coverage: the share of the group's outputs in the window at or
    above the threshold. starts: the thresholds at which walks began, each with its share of delta. way: `declared` for
    the exact evaluation at the declared number of audits, `anytime` for the evidence so far; empty in earlier releases.
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
    way: str = ""


def run_evaluation(
    stream: Stream, *, by: str, covered: Population | None = None, now: datetime | None = None
) -> Evaluation:
    """Evaluate the labels and record the result. Raises EvaluationRefused if the evaluation must fail."""
    moment = clock.current_time(now)
    prepared, results = _evaluate(stream, covered, moment)
    return _record(prepared, results, by=by, now=moment)


def record_progress(stream: Stream, *, now: datetime | None = None) -> Evaluation | None:
    """Evaluate the main population, and record the result if it certifies more than any before; None otherwise.

    Results that expire soon do not count, so what the audits still certify is recorded anew. Without a threshold,
    nothing is recorded: nothing has changed.
    """
    moment = clock.current_time(now)
    try:
        prepared, results = _evaluate(stream, None, moment)
    except EvaluationRefused:
        return None
    before = {name: group.threshold for name, group in _best_results(prepared, moment).items()}
    if not any(_is_looser(group.threshold, before.get(group.group)) for group in results):
        return None
    return _record(prepared, results, by=log.system_actor("guarantees"), now=moment)


def _is_looser(threshold: float | None, before: float | None) -> bool:
    return threshold is not None and (before is None or threshold < before)


def _evaluate(
    stream: Stream, covered: Population | None, now: datetime
) -> tuple[PreparedEvaluation, list[GroupResult]]:
    """The result of every group. Only the plan of a new line is stored; nothing is computed under a lock."""
    prepared = prepare_evaluation(stream, covered=covered, now=now)
    line = lines.plan_groups(
        prepared.line,
        prepared.group_names,
        last_id=prepared.sample.window.last,
        now=now,
    )
    prepared = replace(prepared, line=line)
    histograms, best, old = _count_by_bin(prepared), _best_results(prepared, now), _old_exact(prepared, now)
    return prepared, [
        _evaluate_group(prepared, name, best.get(name), histograms.get(name, {}), now, exact=name not in old)
        for name in prepared.group_names
    ]


def _best_results(prepared: PreparedEvaluation, now: datetime) -> dict[str, GroupResult]:
    """The loosest result recorded for each group of a line: what was certified stays certified until it expires.

    Only results that allow no more errors count, as `max_error` falls once reviewers are known to miss some. Neither do
    those in the last part of their time, so that they are renewed if the audits still support them.
    """
    best: dict[str, GroupResult] = {}
    recorded = Evaluation.objects.filter(
        line=prepared.line.pk, max_error__lte=prepared.max_error, asked_at__gt=_renewed_before(prepared, now)
    ).exclude(line=None)
    for evaluation in recorded.order_by("pk"):
        for group in parse_group_results(evaluation):
            if _is_looser(group.threshold, best[group.group].threshold if group.group in best else None):
                best[group.group] = group
    return best


def _old_exact(prepared: PreparedEvaluation, now: datetime) -> set[str]:
    """The groups whose exact evaluation is old: it reads the first audits only, so now later ones have to do."""
    recorded = Evaluation.objects.filter(line=prepared.line.pk, asked_at__lte=_renewed_before(prepared, now))
    results = (group for evaluation in recorded.exclude(line=None) for group in parse_group_results(evaluation))
    return {group.group for group in results if group.way == DECLARED}


def _renewed_before(prepared: PreparedEvaluation, now: datetime) -> datetime:
    """Results of before this moment are to be renewed."""
    return now - RENEWED_AFTER_SHARE * timedelta(days=prepared.expires_days)


def _record(prepared: PreparedEvaluation, results: Sequence[GroupResult], *, by: str, now: datetime) -> Evaluation:
    stream, window = prepared.line.stream, prepared.sample.window
    refused = None if any(group.threshold is not None for group in results) else results[0]
    with transaction.atomic():
        Stream.objects.select_for_update(no_key=True).only("pk").get(pk=stream.pk)
        same = Evaluation.objects.filter(stream=stream, **asdict(prepared.population))
        evaluation = Evaluation.objects.create(
            stream=stream,
            target=prepared.target,
            line=prepared.line,
            **asdict(prepared.population),
            number=(same.aggregate(last=Max("number"))["last"] or 0) + 1,
            spent=prepared.line.delta,
            first_id=window.first,
            last_id=window.last,
            audit_rate=window.rate,
            max_error=prepared.max_error,
            reviewer_recall=asdict(prepared.recall) if prepared.recall else None,
            sampled=prepared.sample.sampled,
            resolved=prepared.sample.sampled - prepared.sample.unresolved,
            overdue=prepared.sample.unresolved,
            groups=[asdict(group) for group in results],
            refusal=refused.refusal if refused else "",
            params=dict(refused.params or {}) if refused else {},
            grid_hash=thresholds.GRID_HASH,
            labels_hash=prepared.sample.labels_hash,
            conditions_hash=prepared.conditions_hash,
            asked_by=by,
            asked_at=now,
            expires_at=now + timedelta(days=prepared.expires_days),
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


def _evaluate_group(
    prepared: PreparedEvaluation,
    name: str,
    best: GroupResult | None,
    histogram: Mapping[int, int],
    now: datetime,
    *,
    exact: bool,
) -> GroupResult:
    """The loosest threshold of both ways and of all evaluations before, or why there is none.

    exact: whether the exact evaluation still counts.
    """
    members, answered = prepared.members(name), prepared.count_answered(name)
    delta = lines.compute_group_delta(prepared.line, name)
    if best is None and answered < prepared.min_audits:
        shortfall = describe_shortfall(prepared, answered, now)
        return GroupResult(name, delta, [], refusal="too_few", params=shortfall)
    scores, wrong = prepared.sample.scores[members], prepared.sample.wrong[members]
    found = _certify(prepared, name, scores, wrong, delta * lines.THRESHOLDS_DELTA_SHARE, exact=exact)
    if found is not None and (best is None or _is_looser(found.threshold, best.threshold)):
        return replace(found, coverage=_share_at_or_above(histogram, found.threshold or 0.0))
    if best is not None:
        return best
    params = _estimate_more(prepared, scores, wrong, delta, now)
    return GroupResult(name, delta, [], refusal="too_many_errors", params=params)


def _certify(
    prepared: PreparedEvaluation,
    name: str,
    scores: NDArray[np.float64],
    wrong: NDArray[np.bool_],
    delta: float,
    *,
    exact: bool,
) -> GroupResult | None:
    walks, declared, alpha = lines.read_walks(prepared.line, name), prepared.declared_audits, prepared.max_error
    once, ever_after = delta * statistics.DECLARED_SHARE, delta * (1 - statistics.DECLARED_SHARE)
    so_far = certification.certify_anytime(scores, wrong, walks, alpha=alpha, delta=ever_after)
    results = [(ANYTIME, ever_after, walks.anytime, so_far)]
    if exact and len(scores) >= declared:
        first = certification.certify_declared(scores[:declared], wrong[:declared], walks, alpha=alpha, delta=once)
        results.append((DECLARED, once, walks.declared, first))
    way, spent, starts, found = max(results, key=lambda result: -1 if result[3] is None else result[3].index)
    if found is None:
        return None
    return GroupResult(
        name,
        spent,
        [(start, share * spent) for start, share in starts],
        threshold=found.threshold,
        accepted=found.accepted,
        wrong=found.wrong,
        bound=found.bound,
        way=way,
    )


def _estimate_more(
    prepared: PreparedEvaluation,
    scores: NDArray[np.float64],
    wrong: NDArray[np.bool_],
    delta: float,
    now: datetime,
) -> dict[str, Any]:
    """What it would take if the error rates stayed as they are."""
    accepted, missed = statistics.count_accepted(scores, wrong, certification.THRESHOLDS_STRICT_TO_LOOSE)
    more = sample_size.estimate_additional_audits(
        accepted, missed, n=len(scores), alpha=prepared.max_error, delta=delta * (1 - statistics.DECLARED_SHARE)
    )
    days = (
        None
        if more is None
        else sample_size.estimate_collection_days(prepared.target, prepared.population, more, now=now)
    )
    return {"more": more, "days": days, "answered": len(scores)}


def _count_by_bin(prepared: PreparedEvaluation) -> dict[str, dict[int, int]]:
    """How many of the window's units of each group fall into each confidence bin of the grid; uses no labels."""
    target, window = prepared.target, prepared.sample.window
    histograms: dict[str, dict[int, int]] = {}
    for name, bin_index, count in sql.fetch_tuples(
        units.choose_units(target).fill(queries.HISTOGRAM),
        {
            "stream": target.stream_id,
            "first": window.first,
            "last": window.last,
            "edges": list(thresholds.THRESHOLDS),
            "key": target.segment_key,
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
        case ErrorTarget.Grouping.CLASSES | ErrorTarget.Grouping.FIELDS:
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
