"""Looking at the labels to see which threshold keeps a target; every look is written down and has a price.

What can be told without looking (no checks, too few, too many unanswered) is refused before, and costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction

from escalation import statistics
from escalation.guarantees import certification, sample_size, thresholds
from escalation.guarantees.preparation import (
    MAX_MISSING_SHARE,
    PreparedEvaluation,
    _choose_grouping,
    _describe_shortfall,
    prepare_evaluation,
)
from escalation.guarantees.sample import SampleWindow
from escalation.models import Activation, ErrorTarget, Evaluation, Evidence, Stream, output_id
from escalation.policies import versions
from reviewqueue.activity import log
from reviewqueue.kernel import clock


@dataclass(frozen=True, slots=True)
class GroupResult:
    """What a look found for one group: a threshold with its counts and bound, or why there is none.

    delta: the probability that this statement is false. coverage: the share of the group's outputs of the window at
    or above the threshold. starts: thresholds at which a walk began, with their shares of delta.
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


def run_evaluation(stream: Stream, *, by: str, now: datetime | None = None) -> Evaluation:
    """Look at the labels once and write down what was found. Raises Refused where there was nothing to look at.

    Two looks at once are two attempts, one after the other.
    """
    with transaction.atomic():
        Stream.objects.select_for_update(no_key=True).only("pk").get(pk=stream.pk)
        ready, moment = prepare_evaluation(stream, now=now), clock.current_time(now)
        found = _evaluate_groups(ready, stream, moment)
        made = Evaluation.objects.create(
            stream=stream,
            target=ready.target,
            model=ready.population.model,
            model_version=ready.population.model_version,
            schema_number=ready.population.schema_number,
            number=ready.number,
            spent=ready.total_delta,
            first_id=ready.sample.window.first,
            last_id=ready.sample.window.last,
            audit_rate=ready.sample.window.rate,
            max_error=ready.max_error,
            reviewer_recall=asdict(ready.recall) if ready.recall else None,
            sampled=ready.sample.sampled,
            resolved=len(ready.sample.scores) - ready.sample.overdue,
            overdue=ready.sample.overdue,
            groups=[asdict(group) for group in found],
            refusal="" if any(group.threshold is not None for group in found) else found[0].refusal,
            params={} if any(group.threshold is not None for group in found) else dict(found[0].params or {}),
            grid_hash=thresholds.GRID_HASH,
            labels_hash=ready.sample.labels_hash,
            conditions_hash=ready.conditions_hash,
            asked_by=by,
            asked_at=moment,
            expires_at=moment + timedelta(days=ready.expires_days),
        )
        log.record_event(
            actor=by,
            verb="target.attempted",
            object_type="attempt",
            object_id=made.pk,
            queue=stream.slug,
            after={"number": made.number, "spent": made.spent, "refusal": made.refusal},
            at=now,
        )
    return made


def parse_group_results(evaluation: Evaluation) -> list[GroupResult]:
    """What an attempt found, typed."""
    return [GroupResult(**{**row, "starts": [tuple(start) for start in row["starts"]]}) for row in evaluation.groups]


def _evaluate_groups(ready: PreparedEvaluation, stream: Stream, now: datetime) -> list[GroupResult]:
    """One group after the other; together they are false with probability <= delta."""
    delta = ready.threshold_delta / len(ready.group_names)
    shares = _count_by_bin(stream, ready)
    return [_evaluate_group(ready, name, delta, shares.get(name, {}), stream, now) for name in ready.group_names]


def _evaluate_group(
    ready: PreparedEvaluation, name: str, delta: float, histogram: Mapping[int, int], stream: Stream, now: datetime
) -> GroupResult:
    members = ready.members(name)
    if members.sum() < ready.min_audits:
        return GroupResult(
            name, delta, [], refusal="too_few", params=_describe_shortfall(ready, int(members.sum()), stream, now)
        )
    scores, wrong = ready.sample.scores[members], ready.sample.wrong[members]
    deployed = _find_deployed_threshold(ready, stream, now)
    begin = certification.choose_starts(scores, alpha=ready.max_error, delta=delta, deployed=deployed)
    spelled = [(float(certification.THRESHOLDS_STRICT_TO_LOOSE[start.index]), start.delta) for start in begin]
    found = certification.certify_grid_threshold(scores, wrong, begin, alpha=ready.max_error, delta=delta)
    if found is None:
        accepted, missed = statistics.count_accepted(scores, wrong, certification.THRESHOLDS_STRICT_TO_LOOSE)
        following = (
            delta
            * statistics.compute_evaluation_delta(1.0, ready.number + 1)
            / statistics.compute_evaluation_delta(1.0, ready.number)
        )
        more = sample_size.estimate_additional_audits(
            accepted, missed, n=len(scores), alpha=ready.max_error, delta=following
        )
        days = None if more is None else sample_size.estimate_collection_days(stream, ready.population, more, now=now)
        params = {"more": more, "days": days, "answered": len(scores)}
        return GroupResult(name, delta, spelled, refusal="too_many_errors", params=params)
    lost = int(np.sum(ready.missing(name) >= found.threshold))
    if lost > MAX_MISSING_SHARE * (found.accepted + lost):
        params = {"missing": lost, "sampled": found.accepted + lost}
        return GroupResult(name, delta, spelled, refusal="unresolved", params=params)
    return GroupResult(
        name,
        delta,
        spelled,
        threshold=found.threshold,
        accepted=found.accepted,
        wrong=found.wrong,
        bound=found.bound,
        coverage=_share_at_or_above(histogram, found.threshold),
    )


def _find_deployed_threshold(ready: PreparedEvaluation, stream: Stream, now: datetime) -> float | None:
    """The threshold in use, where there is one for everything and the promise is one for everything.

    Only one that nobody can have picked by these labels: in effect since before the first of them, or found by a look.
    """
    current = versions.find_active_policy(stream)
    if current is None or not ready.is_for_everything:
        return None
    of_policy = Activation.objects.filter(stream=stream, policy=current.policy_id)
    began = output_id.time_of_id(ready.sample.window.first)
    is_fixed = of_policy.filter(effective_at__lte=min(began, now)).exists()
    is_found = Evidence.objects.filter(policy=current.policy_id).exists()
    return current.spec.threshold if is_fixed or is_found else None


_HISTOGRAM = """
    SELECT {group}, CASE WHEN o.confidence IS NULL OR r.reason LIKE 'rule:%%' THEN -1
        ELSE width_bucket(o.confidence, %(edges)s::float8[]) - 1 END, count(*)
    FROM escalation_output o JOIN escalation_route r ON r.output_id = o.id
    WHERE o.stream_id = %(stream)s AND o.id >= %(first)s AND o.id < %(last)s AND o.model = %(model)s
      AND o.model_version = %(model_version)s AND o.schema_number = %(schema_number)s
    GROUP BY 1, 2
"""


def _count_by_bin(stream: Stream, ready: PreparedEvaluation) -> dict[str, dict[int, int]]:
    """How many of the window's outputs of each group were how sure, by bin of the grid: no label is looked at."""
    kind, _, key = _choose_grouping(ready.target).partition(":")
    expression = {"": "''", "predicted": "o.predicted", "segment": "COALESCE(o.segment ->> %(key)s, '')"}[kind]
    window: SampleWindow = ready.sample.window
    with connection.cursor() as cursor:
        cursor.execute(
            _HISTOGRAM.format(group=expression),
            {
                "stream": stream.pk,
                "first": window.first,
                "last": window.last,
                "edges": list(thresholds.THRESHOLDS),
                "key": key,
                **asdict(ready.population),
            },
        )
        found: dict[str, dict[int, int]] = {}
        for name, place, count in cursor.fetchall():
            found.setdefault(name, {})[place] = count
    return found


def _share_at_or_above(histogram: Mapping[int, int], threshold: float) -> float | None:
    total = sum(histogram.values())
    first = thresholds.THRESHOLDS.index(threshold)
    return sum(count for place, count in histogram.items() if place >= first) / total if total else None


def build_spec_changes(evaluation: Evaluation) -> dict[str, Any]:
    """The thresholds that an attempt shows to keep its target, as changes to a policy's plain data.

    One promise for everything sets the overall threshold and drops the others. A promise for each group sets one for
    each group that has it; everything else goes to people.
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
    """When the first output of its window was received, and until when."""
    return output_id.time_of_id(evaluation.first_id), output_id.time_of_id(evaluation.last_id)


def list_certified_groups(groups: Sequence[GroupResult]) -> list[str]:
    """The groups that have a statement."""
    return [group.group for group in groups if group.threshold is not None]
