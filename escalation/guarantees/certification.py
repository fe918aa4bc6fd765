"""Certifies the loosest threshold of the grid that meets a target, from the labels of a sample. Pure.

Two ways share a guarantee's delta: one exact evaluation at the declared number of audits, and evidence that may be read
at any time. Where their walks along the grid begin depends on confidences only, never on labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from escalation import statistics
from escalation.guarantees import thresholds
from escalation.guarantees.counts import Tally
from escalation.statistics import CertifiedThreshold, WalkStart

THRESHOLDS_STRICT_TO_LOOSE: NDArray[np.float64] = np.array(thresholds.THRESHOLDS[::-1])
# Where walks begin if too few confidences are known to choose it.
DEFAULT_STARTS = (0.99, 0.95, 0.9, 0.8)
MIN_SCORES_FOR_STARTS = 100
_TYPICAL_CONFIDENCES = (THRESHOLDS_STRICT_TO_LOOSE + np.append(1.0, THRESHOLDS_STRICT_TO_LOOSE[:-1])) / 2


@dataclass(frozen=True, slots=True)
class WalkPlan:
    """The starts of both ways: thresholds, with shares that sum to 1. Fixed before any label is seen.

    declared_share: of delta, for the exact evaluation; the rest is for the evidence at any time. carries: whether a
    walk that comes to another start goes on with both shares. The defaults are those of plans of earlier releases.
    """

    declared: tuple[tuple[float, float], ...]
    anytime: tuple[tuple[float, float], ...]
    declared_share: float = statistics.FORMER_DECLARED_SHARE
    carries: bool = False


def plan_walks(
    outputs_by_bin: Sequence[int], *, max_error: float, declared_audits: int, declared_delta: float
) -> WalkPlan:
    """Choose the starts from how many outputs lie in each bin of the grid, by outputs whose labels are not used.

    declared_delta: about how much of delta the exact evaluation will have; its first start has to be able to pass.
    """
    total = sum(outputs_by_bin)
    if total < MIN_SCORES_FOR_STARTS:
        return plan_walks_without_scores()
    coverage = np.cumsum(np.array(outputs_by_bin[::-1])) / total
    anytime = _name_thresholds(statistics.choose_anytime_starts(coverage))
    declared = _name_thresholds(
        statistics.plan_starts(
            coverage, _TYPICAL_CONFIDENCES, alpha=max_error, delta=declared_delta, audits=declared_audits
        )
    )
    return WalkPlan(declared, anytime, statistics.DECLARED_SHARE, carries=True)


def plan_walks_without_scores() -> WalkPlan:
    """The walks where too few confidences are known to choose them."""
    starts = tuple((threshold, 1 / len(DEFAULT_STARTS)) for threshold in DEFAULT_STARTS)
    return WalkPlan(starts, starts, statistics.DECLARED_SHARE, carries=True)


def certify_declared(
    scores: NDArray[np.float64], wrong: NDArray[np.bool_], plan: WalkPlan, *, alpha: float, delta: float
) -> CertifiedThreshold | None:
    """The exact evaluation, from the declared number of audits: the loosest threshold with risk <= alpha, or None."""
    return certify_declared_counts(_tally(scores, wrong), plan, alpha=alpha, delta=delta)


def certify_declared_counts(first: Tally, plan: WalkPlan, *, alpha: float, delta: float) -> CertifiedThreshold | None:
    """`certify_declared` from the counts of the declared number of audits."""
    p = statistics.compute_p_values(first.accepted, first.wrong, alpha)
    return _describe(_walk(p, plan.declared, plan, delta), first)


def certify_anytime(
    scores: NDArray[np.float64], wrong: NDArray[np.bool_], plan: WalkPlan, *, alpha: float, delta: float
) -> CertifiedThreshold | None:
    """The loosest threshold for which the evidence so far is enough, or None.

    However often it is asked, with however many audits, it is ever false with probability <= delta.
    """
    return certify_anytime_counts(_tally(scores, wrong), plan, alpha=alpha, delta=delta)


def certify_anytime_counts(so_far: Tally, plan: WalkPlan, *, alpha: float, delta: float) -> CertifiedThreshold | None:
    """`certify_anytime` from counts."""
    with np.errstate(over="ignore"):
        p = np.exp(-statistics.compute_log_evalues(so_far.accepted, so_far.wrong, alpha))
    return _describe(_walk(p, plan.anytime, plan, delta), so_far)


def _tally(scores: NDArray[np.float64], wrong: NDArray[np.bool_]) -> Tally:
    return Tally(*statistics.count_accepted(scores, wrong, THRESHOLDS_STRICT_TO_LOOSE))


def _describe(index: int | None, counts: Tally) -> CertifiedThreshold | None:
    if index is None:
        return None
    return statistics.describe_threshold(index, counts.accepted, counts.wrong, THRESHOLDS_STRICT_TO_LOOSE)


def _name_thresholds(starts: Sequence[WalkStart]) -> tuple[tuple[float, float], ...]:
    return tuple((float(THRESHOLDS_STRICT_TO_LOOSE[start.index]), start.delta) for start in starts)


def _walk(p: NDArray[np.float64], starts: Sequence[tuple[float, float]], plan: WalkPlan, delta: float) -> int | None:
    last = len(THRESHOLDS_STRICT_TO_LOOSE) - 1
    spent = [WalkStart(last - thresholds.find_threshold_index(start), share * delta) for start, share in starts]
    if not plan.carries:
        return statistics.walk_grid(p, spent)
    reached = int(statistics.walk_carrying(p[None], spent)[0])
    return None if reached < 0 else reached
