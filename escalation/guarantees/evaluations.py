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

from escalation import statistics
from escalation.guarantees import certification, lines, queries, sample_size, thresholds, units
from escalation.guarantees.counts import Tally, find_worst
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
# An evaluation is prepared anew if other conditions, as of another policy version, began another line meanwhile.
MAX_PREPARATIONS = 3


@dataclass(frozen=True, slots=True)
class GroupResult:
    """The result for one group: a threshold with its counts, or the reason why there is none.

    delta: the probability that this guarantee is false. coverage: the share of the group's outputs in the window at or
    above the threshold. starts: the thresholds at which walks began, each with its share of delta. way: `declared` for
    the exact evaluation at the declared number of audits, `anytime` for the evidence so far; empty in earlier releases.
    threshold_if_none_missed: the threshold without the correction for errors that reviewers miss, for comparison only.
    """

    group: str
    delta: float
    starts: list[tuple[float, float]]
    threshold: float | None = None
    accepted: int = 0
    wrong: int = 0
    coverage: float | None = None
    refusal: str = ""
    params: Mapping[str, Any] | None = None
    way: str = ""
    threshold_if_none_missed: float | None = None


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
        results = _evaluate_labels(prepared, best, now, exact=not old)
    else:
        results = [
            _evaluate_group(prepared, name, best.get(name), now, exact=name not in old) for name in prepared.group_names
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


def parse_group_results(evaluation: Evaluation) -> list[GroupResult]:
    """The typed results of an evaluation."""
    return [_parse_group_result(row) for row in evaluation.groups]


def _parse_group_result(row: Mapping[str, Any]) -> GroupResult:
    # Earlier releases also stored an upper bound for this threshold by itself, which was not guaranteed.
    known = {name: value for name, value in row.items() if name != "bound"}
    return GroupResult(**{**known, "starts": [tuple(start) for start in row["starts"]]})


def _evaluate_group(
    prepared: PreparedEvaluation, name: str, best: GroupResult | None, now: datetime, *, exact: bool
) -> GroupResult:
    """The loosest threshold of both ways and of all evaluations before, or why there is none.

    exact: whether the exact evaluation still counts.
    """
    counts, delta = prepared.counts_of(name), lines.compute_group_delta(prepared.line, name)
    if best is None and counts.answered < prepared.min_audits:
        shortfall = describe_shortfall(prepared, counts.answered, now)
        return GroupResult(name, delta, [], refusal="too_few", params=shortfall)
    evidence = _Evidence(counts.tally(), counts.tally_first() if exact else None, counts.sampled)
    found = _certify(prepared, name, evidence, delta * lines.THRESHOLDS_DELTA_SHARE)
    if found is None or (best is not None and not _is_looser(found.threshold, best.threshold)):
        if best is not None:
            return best
        found = GroupResult(name, delta, [], refusal="too_many_errors")
    return replace(found, threshold_if_none_missed=_find_uncorrected(prepared, name, evidence, delta))


def _find_uncorrected(prepared: PreparedEvaluation, name: str, evidence: _Evidence, delta: float) -> float | None:
    """The threshold if reviewers missed nothing and no delta were kept to prove it; never guaranteed."""
    found = _certify(replace(prepared, max_error=prepared.target.max_error), name, evidence, delta)
    return found.threshold if found else None


def _evaluate_labels(
    prepared: PreparedEvaluation, best: Mapping[str, GroupResult], now: datetime, *, exact: bool
) -> list[GroupResult]:
    """The result of each label of a set: all at the loosest threshold at which each of them keeps the target.

    Outputs are automated when the model is sure enough of every label, so that is where errors about each label are
    counted. "Some label has too many errors" is refuted if it is for each label by itself, so delta is not divided.
    """
    of_labels = {name: prepared.counts_of(name) for name in prepared.group_names}
    tallies = {name: counts.tally() for name, counts in of_labels.items()}
    firsts = {name: counts.tally_first() for name, counts in of_labels.items()} if exact else None
    some = next(iter(of_labels.values()))
    delta = lines.compute_group_delta(prepared.line, "")
    if not best and some.answered < prepared.min_audits:
        shortfall = describe_shortfall(prepared, some.answered, now)
        return [GroupResult(name, delta, [], refusal="too_few", params=shortfall) for name in of_labels]
    worst = _Evidence(
        find_worst(list(tallies.values())), find_worst(list(firsts.values())) if firsts else None, some.sampled
    )
    found = _certify(prepared, "", worst, delta * lines.THRESHOLDS_DELTA_SHARE)
    before = next(iter(best.values())).threshold if best else None
    if found is not None and _is_looser(found.threshold, before):
        found = replace(found, threshold_if_none_missed=_find_uncorrected(prepared, "", worst, delta))
        used = firsts if firsts and found.way == DECLARED else tallies
        return [_name_label(found, name, used[name]) for name in of_labels]
    if best:
        return [best[name] for name in of_labels]
    evidence = {name: _Evidence(tallies[name], firsts[name] if firsts else None, some.sampled) for name in of_labels}
    return [_refuse_label(prepared, name, one, delta) for name, one in evidence.items()]


def _name_label(found: GroupResult, name: str, counts: Tally) -> GroupResult:
    """What holds for all labels, with the counts of one of them."""
    at = int(np.searchsorted(-certification.THRESHOLDS_STRICT_TO_LOOSE, -(found.threshold or 0.0)))
    return replace(found, group=name, wrong=int(counts.wrong[at]))


def _refuse_label(prepared: PreparedEvaluation, name: str, evidence: _Evidence, delta: float) -> GroupResult:
    """Why a label has no threshold: its own errors, or only those of other labels."""
    by_others = _certify(prepared, "", evidence, delta * lines.THRESHOLDS_DELTA_SHARE) is not None
    return GroupResult(name, delta, [], refusal="other_labels" if by_others else "too_many_errors")


@dataclass(frozen=True, slots=True)
class _Evidence:
    """The counts of a group. first: of its first `declared_audits` only, None if they are too old; sampled: of all."""

    so_far: Tally
    first: Tally | None
    sampled: int


def _certify(prepared: PreparedEvaluation, name: str, evidence: _Evidence, delta: float) -> GroupResult | None:
    walks, alpha = lines.read_walks(prepared.line, name), prepared.max_error
    once, ever_after = delta * walks.declared_share, delta * (1 - walks.declared_share)
    so_far = certification.certify_anytime_counts(evidence.so_far, walks, alpha=alpha, delta=ever_after)
    results = [(ANYTIME, ever_after, walks.anytime, so_far)]
    if evidence.first is not None and evidence.sampled >= prepared.declared_audits:
        first = certification.certify_declared_counts(evidence.first, walks, alpha=alpha, delta=once)
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
        way=way,
    )


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
        group.group: group.threshold for group in parse_group_results(evaluation) if group.threshold is not None
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


def list_certified_groups(groups: Sequence[GroupResult]) -> list[str]:
    """The names of the groups that have a certified threshold."""
    return [group.group for group in groups if group.threshold is not None]
