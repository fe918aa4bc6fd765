"""How far the evidence of a stream is, and what is missing for a guarantee or for more automation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from escalation.guarantees import certification, describe, lines, preparation, sample_size
from escalation.guarantees.counts import Tally
from escalation.guarantees.population import Population
from escalation.guarantees.preparation import EvaluationRefused, PreparedEvaluation
from escalation.models import Stream
from escalation.statistics import CertifiedThreshold
from escalation.test_items.recall import ReviewerRecall
from reviewqueue.kernel import clock

# A looser threshold is worth waiting for if it automates this much more of all outputs.
MIN_GAIN = 0.01
MAX_AUDITS = 100_000
TRIED_SIZES = 100


@dataclass(frozen=True, slots=True)
class AutomationOutlook:
    """The next threshold that is worth having, the share of outputs that it automates, and what it would take.

    more: audits of the whole stream, at the error rates so far. days: None if nothing was audited lately.
    """

    threshold: float
    automation_rate: float
    more: int
    days: int | None


@dataclass(frozen=True, slots=True)
class EvidenceProgress:
    """How far the evidence for a population is.

    reason, refusal: why nothing can be certified yet, as a code and in words; empty while audits are evaluated. If
    only test items are missing, there is no refusal: their own progress says so.
    audits: those that count; None if none can. least: the fewest that could certify anything. declared: after so many
    the exact evaluation is taken. outlook: the next threshold; None if there is none, or each group has its own.
    """

    reason: str = ""
    refusal: str = ""
    audits: int | None = None
    least: int | None = None
    declared: int | None = None
    more: int | None = None
    days: int | None = None
    recall: ReviewerRecall | None = None
    outlook: AutomationOutlook | None = None
    is_together: bool = True

    @property
    def goal(self) -> int | None:
        """How many audits the progress bar is about; None once all of them are there."""
        goal = self.least if self.refusal and not self.lacks_test_items else self.declared
        return goal if goal is not None and self.audits is not None and self.audits < goal else None

    @property
    def lacks_test_items(self) -> bool:
        return self.reason == "too_few_test_items"

    @property
    def has_enough_audits(self) -> bool:
        """Whether the audits suffice, also for the exact evaluation."""
        return (self.lacks_test_items or not self.refusal) and self.goal is None


def measure_progress(
    stream: Stream, *, covered: Population | None = None, above: float | None = None, now: datetime | None = None
) -> EvidenceProgress:
    """How far the evidence for a population is, the main one by default.

    above: the certified threshold in effect, if there is one; the outlook is about looser ones.
    """
    moment = clock.current_time(now)
    try:
        prepared = preparation.prepare_evaluation(stream, covered=covered, now=moment)
    except EvaluationRefused as refused:
        params = refused.params
        return EvidenceProgress(
            reason=refused.reason,
            refusal=_describe_refusal(refused),
            audits=params.get("have"),
            least=params.get("least"),
            declared=params.get("declared"),
            more=params.get("more"),
            days=params.get("days"),
        )
    return EvidenceProgress(
        audits=prepared.sample.sampled,
        least=prepared.min_audits,
        declared=prepared.declared_audits,
        recall=prepared.recall,
        outlook=_find_outlook(prepared, above, moment) if prepared.is_for_everything else None,
        is_together=prepared.is_for_everything,
    )


def _describe_refusal(refused: EvaluationRefused) -> str:
    params = refused.params
    if refused.reason == "too_few" and params.get("more") is not None:
        return describe.describe_shortfall(params["more"], params["days"])
    return describe.describe_refusal(refused.reason, params)


def _find_outlook(prepared: PreparedEvaluation, above: float | None, now: datetime) -> AutomationOutlook | None:
    """The first threshold to be certified that automates noticeably more than the present one."""
    tally, total, declared = prepared.counts_of("").tally(), prepared.sample.sampled, prepared.declared_audits
    grid = certification.THRESHOLDS_STRICT_TO_LOOSE.tolist()
    wanted = (int(tally.accepted[grid.index(above)]) if above in grid else 0) + MIN_GAIN * total
    sizes = np.geomspace(total, max(total, MAX_AUDITS), TRIED_SIZES).tolist()
    for size in sorted([*sizes, declared] if declared > total else sizes):
        expected = _expect_tally(tally, size / total)
        found = _certify_expected(prepared, expected, is_declared=size == declared)
        if found is not None and tally.accepted[found.index] >= wanted:
            more = max(1, math.ceil(size - total))
            days = sample_size.estimate_collection_days(prepared.target, prepared.population, more, now=now)
            return AutomationOutlook(found.threshold, float(tally.accepted[found.index] / total), more, days)
    return None


def _expect_tally(tally: Tally, times: float) -> Tally:
    """The counts that so many times the audits would have if the error rates stayed as they are."""
    rate = (tally.wrong + 0.5) / (tally.accepted + 1)  # no errors among few outputs does not mean an error rate of 0
    accepted = np.floor(tally.accepted * times).astype(np.int64)
    return Tally(accepted, np.ceil(accepted * rate).astype(np.int64))


def _certify_expected(prepared: PreparedEvaluation, expected: Tally, *, is_declared: bool) -> CertifiedThreshold | None:
    """What would be certified with these counts; by the exact evaluation if it is taken with them."""
    walks = lines.find_walks(prepared.line, "") or certification.plan_walks_without_scores()
    delta, alpha = prepared.line.delta * lines.THRESHOLDS_DELTA_SHARE, prepared.max_error
    if is_declared:
        once = delta * walks.declared_share
        return certification.certify_declared_counts(expected, walks, alpha=alpha, delta=once)
    ever_after = delta * (1 - walks.declared_share)
    return certification.certify_anytime_counts(expected, walks, alpha=alpha, delta=ever_after)
