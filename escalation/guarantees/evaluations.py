"""Evaluations: finding the threshold that meets an error target, as often as one likes.

An evaluation reads a line of evidence (`guarantees.lines`): once exactly, from the declared number of audits, and ever
after by evidence that may be read at any time. The product evaluates by itself and records a result when it certifies
a looser threshold than before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max

from escalation import statistics
from escalation.guarantees import group_evaluation, group_results, lines, queries, sample_size, thresholds, units
from escalation.guarantees.group_results import GroupResult
from escalation.guarantees.population import Population
from escalation.guarantees.preparation import (
    EvaluationRefused,
    PreparedEvaluation,
    prepare_evaluation,
)
from escalation.models import ErrorTarget, Evaluation, Stream, output_id
from reviewqueue.activity import log
from reviewqueue.kernel import clock, sql

# A result is renewed after this share of the days for which a guarantee is valid.
RENEWED_AFTER_SHARE = 0.8
# An evaluation is prepared anew if other conditions, as of another policy version, began another line meanwhile.
MAX_PREPARATIONS = 3


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
    if not any(group_results.is_looser(group.threshold, before.get(group.group)) for group in results):
        return None
    return _record(prepared, results, by=log.system_actor("guarantees"), now=moment)


def _evaluate(
    stream: Stream, covered: Population | None, now: datetime
) -> tuple[PreparedEvaluation, list[GroupResult]]:
    """The result of every group. Only the plan of a new line is stored; nothing is computed under a lock."""
    for _attempt in range(MAX_PREPARATIONS):
        prepared = prepare_evaluation(stream, covered=covered, keep=True, now=now)
        try:
            return _evaluate_prepared(_plan_line(prepared, now), now)
        except lines.LineMoved:
            continue
    raise EvaluationRefused("outdated")


def _plan_line(prepared: PreparedEvaluation, now: datetime) -> PreparedEvaluation:
    line = lines.plan_groups(
        prepared.line,
        prepared.walk_names,
        ready=prepared.ready_names,
        last_id=prepared.sample.window.last,
        now=now,
    )
    return replace(prepared, line=line)


def _evaluate_prepared(prepared: PreparedEvaluation, now: datetime) -> tuple[PreparedEvaluation, list[GroupResult]]:
    best, old = _best_results(prepared, now), _old_exact(prepared, now)
    if prepared.sample.counts.labels is not None:
        results = group_evaluation.evaluate_labels(prepared, best, now, exact=not old)
    else:
        results = [
            group_evaluation.evaluate_group(prepared, name, best.get(name), now, exact=name not in old)
            for name in prepared.group_names
        ]
    return prepared, _add_coverage(prepared, results, best)


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
        for group in group_results.parse_group_results(evaluation):
            if group_results.is_looser(group.threshold, best[group.group].threshold if group.group in best else None):
                best[group.group] = group
    return best


def _old_exact(prepared: PreparedEvaluation, now: datetime) -> set[str]:
    """The groups whose exact evaluation is old: it reads the first audits only, so now later ones have to do."""
    recorded = Evaluation.objects.filter(line=prepared.line.pk, asked_at__lte=_renewed_before(prepared, now))
    results = (
        group for evaluation in recorded.exclude(line=None) for group in group_results.parse_group_results(evaluation)
    )
    return {group.group for group in results if group.way == group_results.DECLARED}


def _renewed_before(prepared: PreparedEvaluation, now: datetime) -> datetime:
    """Results of before this moment are to be renewed."""
    return now - RENEWED_AFTER_SHARE * timedelta(days=prepared.expires_days)


def _record(prepared: PreparedEvaluation, results: Sequence[GroupResult], *, by: str, now: datetime) -> Evaluation:
    stream, window = prepared.line.stream, prepared.sample.window
    results = [_explain_refusal(prepared, group, now) for group in results]
    certified = any(group.threshold is not None for group in results)
    refused = None if certified else min(results, key=lambda group: group.refusal == "other_labels")
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
            reviewer_recall=asdict(prepared.recall),
            sampled=prepared.sample.sampled,
            resolved=prepared.sample.sampled - prepared.sample.unresolved,
            overdue=prepared.sample.unresolved,
            groups=[asdict(group) for group in results],
            refusal=refused.refusal if refused else "",
            params=dict(refused.params or {}) if refused else {},
            grid_hash=thresholds.GRID_HASH,
            labels_hash=prepared.sample.counts.labels_hash,
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


def _explain_refusal(prepared: PreparedEvaluation, group: GroupResult, now: datetime) -> GroupResult:
    """The result with what it would take if the error rates stayed as they are.

    Computed only for results that are recorded: a sweep usually finds the same as before.
    """
    if group.refusal != "too_many_errors":
        return group
    counts = prepared.counts_of(group.group)
    so_far = counts.tally()
    more = sample_size.estimate_additional_audits(
        so_far.accepted,
        so_far.wrong,
        n=counts.sampled,
        alpha=prepared.max_error,
        delta=group.delta * (1 - statistics.DECLARED_SHARE),
    )
    days = more and sample_size.estimate_collection_days(prepared.target, prepared.population, more, now=now)
    return replace(group, params={"more": more, "days": days, "answered": counts.sampled})


def _add_coverage(
    prepared: PreparedEvaluation, results: Sequence[GroupResult], best: Mapping[str, GroupResult]
) -> list[GroupResult]:
    """The results with the share of outputs at or above each new threshold; without one, none is counted."""
    is_new = [group.threshold is not None and group is not best.get(group.group) for group in results]
    if not any(is_new):
        return list(results)
    histograms, labels = _count_by_bin(prepared), prepared.sample.counts.labels
    return [
        replace(
            group,
            coverage=_share_at_or_above(
                histograms.get(group.group if labels is None else "", {}), group.threshold or 0.0
            ),
        )
        if new
        else group
        for group, new in zip(results, is_new, strict=True)
    ]


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
    each certified group; everything else is sent to review. Labels of a set share one threshold, which the confidence
    in the whole set has to reach, too.
    """
    certified = {
        group.group: group.threshold
        for group in group_results.parse_group_results(evaluation)
        if group.threshold is not None
    }
    match evaluation.target.groups:
        case ErrorTarget.Grouping.LABELS:
            return {"threshold": max(certified.values()), "thresholds": certified, "segments": []}
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
