"""Gathers what an evaluation needs, and says what is missing before labels are looked at."""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from escalation import statistics
from escalation.guarantees import counting, lines, population, sample_size, targets, units
from escalation.guarantees.counting import SampleWindow
from escalation.guarantees.counts import EvidenceCounts, GroupCounts
from escalation.guarantees.population import Population
from escalation.guarantees.sample import (
    MAX_SAMPLE_AGE_DAYS,
    EvaluationSample,
    draw_sample,
    extend_window,
    find_window,
    has_traffic,
    hash_counting,
)
from escalation.models import ErrorTarget, EvidenceLine, Stream
from escalation.policies import versions
from escalation.policies.spec import PolicySpec
from escalation.test_items import recall
from escalation.test_items.recall import ReviewerRecall
from reviewqueue.kernel import clock
from reviewqueue.kernel.errors import DomainError


class EvaluationRefused(DomainError):
    """No guarantee is possible. `reason` is a code and `params` the values of its message, which is in `describe`."""

    code = "no_statement"

    def __init__(self, reason: str, **params: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.params = params


@dataclass(frozen=True, slots=True)
class PreparedEvaluation:
    """The input of an evaluation, gathered without using the labels: only counts, never which outputs are wrong.

    declared_audits: the number of audits of a group after which its exact evaluation is taken. max_error: the target,
    lowered by the share of errors that reviewers miss.
    """

    target: ErrorTarget
    population: Population
    sample: EvaluationSample
    line: EvidenceLine
    declared_audits: int
    max_error: float
    recall: ReviewerRecall
    expires_days: int
    conditions_hash: str

    @property
    def group_names(self) -> list[str]:
        """The groups that each get a guarantee of their own; a single empty name if one guarantee covers everything.

        Outputs in no group (without that segment key) get none: they are sent to review.
        """
        if self.is_for_everything:
            return [""]
        return list(self.sample.counts.labels or sorted(self.sample.counts.groups.keys() - {""}))

    @property
    def walk_names(self) -> list[str]:
        """The groups that share delta: the labels of a set are guaranteed together, by one walk with an empty name."""
        return self.group_names if self.sample.counts.labels is None else [""]

    @property
    def ready_names(self) -> list[str]:
        """The groups of `walk_names` with so many answered audits that they could pass."""
        if self.sample.counts.labels is not None:
            return [""]
        return [name for name in self.walk_names if self.counts_of(name).answered >= self.min_audits]

    @property
    def is_for_everything(self) -> bool:
        return self.target.groups == ErrorTarget.Grouping.TOGETHER

    def counts_of(self, name: str) -> GroupCounts:
        return self.sample.counts.groups.get(name) or GroupCounts()

    @property
    def min_audits(self) -> int:
        """The fewest answered audits of a group that could certify a threshold, if none of them is wrong."""
        delta = self.line.delta * lines.THRESHOLDS_DELTA_SHARE / max(len(self.walk_names), 1)
        share = lines.read_declared_share(self.line)
        anytime = statistics.compute_min_anytime_labels(
            self.max_error, delta * (1 - share) / len(statistics.ANYTIME_COVERAGES)
        )
        exact = statistics.compute_min_labels(self.max_error, delta * share * statistics.MAX_START_SHARE)
        return min(anytime, max(exact, self.declared_audits))


def prepare_evaluation(
    stream: Stream, *, covered: Population | None = None, keep: bool = False, now: datetime | None = None
) -> PreparedEvaluation:
    """Gather the input of an evaluation. Raises EvaluationRefused if it is clear in advance that it must fail.

    covered: the population that it is about; the main one of the recent traffic by default. keep: store what was
    counted, so that the next evaluation need not count it again.
    """
    moment = clock.current_time(now)
    target = targets.find_error_target(stream)
    if target is None:
        raise EvaluationRefused("no_target")
    recent = population.find_recent_traffic([stream.pk]).get(stream.pk)
    if recent is None:
        raise EvaluationRefused("no_traffic")
    covered = covered or recent.main
    if recent.has_moved_on(covered):
        # Its guarantee would end at once, so the evaluation would be paid for nothing.
        raise EvaluationRefused(
            "mixed_versions", others=recent.count_others(covered), recent=sum(one.outputs for one in recent.counts)
        )
    current = versions.find_active_policy(stream)
    spec = current.spec if current else PolicySpec()
    if spec.on_deadline == "accept":
        raise EvaluationRefused("deadline_accepts")
    if spec.thresholds and units.drops_label_thresholds(target, stream.slug, covered.schema_number):
        raise EvaluationRefused("label_thresholds")
    declared = lines.count_declared_audits(target)
    line, sample = find_evidence(stream, target, covered, spec, first=declared, keep=keep, now=moment)
    delta = line.delta * lines.RECALL_DELTA_SHARE
    measured = recall.measure_recall(stream, target=target, delta=delta)
    if measured is not None and measured.low <= 0:
        raise EvaluationRefused("none_caught", shown=measured.shown)
    presumed = measured or recall.presume_recall(delta=delta)
    prepared = PreparedEvaluation(
        target=target,
        population=covered,
        sample=sample,
        line=line,
        declared_audits=declared,
        max_error=target.max_error * presumed.low,
        recall=presumed,
        expires_days=spec.guarantee.expires_days,
        conditions_hash=hash_conditions(spec),
    )
    _require_enough_audits(prepared, moment)
    if measured is None:
        raise EvaluationRefused(
            "too_few_test_items",
            have=sample.sampled,
            declared=declared,
            **asdict(recall.count_test_items(stream, target=target)),
        )
    return prepared


def hash_conditions(spec: PolicySpec) -> str:
    """SHA-256 of the settings other than thresholds that decide what is automated: an evaluation is valid for one."""
    return hashlib.sha256(repr((spec.rules, spec.model_versions, spec.on_deadline)).encode()).hexdigest()


def find_evidence(
    stream: Stream,
    target: ErrorTarget,
    covered: Population,
    spec: PolicySpec,
    *,
    first: int,
    keep: bool,
    now: datetime,
) -> tuple[EvidenceLine, EvaluationSample]:
    """The present line of evidence and its audits. Raises EvaluationRefused if there is none.

    first: how many audits of a group the exact evaluation takes. keep: store what was counted of a stored line.
    """
    conditions, unsettled = hash_counting(spec, first=first), counting.find_first_unsettled(now)
    line = lines.find_latest_line(target, covered)
    counted = counting.load_progress(line, conditions=conditions, unsettled=unsettled) if line else None
    window = extend_window(stream, covered, counted, spec=spec, unsettled=unsettled) if counted else None
    if line is None or counted is None or window is None:
        line, window = _find_line(stream, target, covered, spec, now)
        counts = EvidenceCounts(first, units.list_labels(target, stream.slug, covered.schema_number))
        counted = counting.begin_progress(window, counts, conditions=conditions, unsettled=unsettled)
    sample = draw_sample(target, covered, window, progress=counted, due_days=spec.guarantee.due_days, now=now)
    if keep and line.pk is not None:
        counting.save_progress(line, counted, now=now)
    return line, sample


def _find_line(
    stream: Stream, target: ErrorTarget, covered: Population, spec: PolicySpec, now: datetime
) -> tuple[EvidenceLine, SampleWindow]:
    """The present line of evidence, and its outputs so far. Raises EvaluationRefused if it has none."""
    oldest = now - timedelta(days=MAX_SAMPLE_AGE_DAYS)
    earliest = lines.find_earliest_id(stream, target, covered, oldest=oldest)
    window = find_window(stream, covered, spec=spec, earliest=earliest)
    if window is None:
        known = has_traffic(stream, covered, spec=spec, earliest=earliest)
        raise EvaluationRefused("no_audit" if known else "none_of_late")
    line = lines.find_line(stream, target, covered, first_id=window.first)
    return line, replace(window, first=line.first_id)


def _require_enough_audits(prepared: PreparedEvaluation, now: datetime) -> None:
    """Raise EvaluationRefused unless some group has enough answered audits."""
    sample = prepared.sample
    have = max((prepared.counts_of(name).answered for name in prepared.group_names), default=0)
    if have >= prepared.min_audits:
        return
    if sample.unresolved > have:
        raise EvaluationRefused("unresolved", missing=sample.unresolved, sampled=sample.sampled)
    raise EvaluationRefused("too_few", **describe_shortfall(prepared, have, now))


def describe_shortfall(prepared: PreparedEvaluation, have: int, now: datetime) -> dict[str, Any]:
    # The observed error rate would give a better estimate, but using it would be an evaluation and spend delta.
    more = prepared.min_audits - have
    # A group gets only its share of the stream's audits.
    whole = math.ceil(more * max(prepared.sample.sampled, 1) / max(have, 1))
    return {
        "have": have,
        "least": prepared.min_audits,
        "more": more,
        "days": sample_size.estimate_collection_days(prepared.target, prepared.population, whole, now=now),
    }
