"""How the product chooses a threshold: from a trial, or from the counts of a line of evidence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.measured.trials import TESTS, Bools, Floats, Trial
from escalation import statistics
from escalation.guarantees import certification, lines, thresholds
from escalation.guarantees.certification import THRESHOLDS_STRICT_TO_LOOSE, WalkPlan
from escalation.guarantees.counts import Tally
from escalation.test_items import recall

DELTA = 0.05
LINE_DELTA = DELTA * lines.FIRST_SHARE  # of the first line of evidence
EXACT_DELTA = LINE_DELTA * lines.THRESHOLDS_DELTA_SHARE * statistics.DECLARED_SHARE
DECLARED = 800  # the number of audits of the exact evaluation


class Found(NamedTuple):
    """A threshold that was certified, how many checks are at or above it, and how many of those were wrong."""

    threshold: float
    checked: int
    wrong: int


def corrected(trial: Trial, alpha: float) -> Found | None:
    """The product's method: at a target lowered by what reviewers miss, as measured by test items."""
    measured = recall.bound_recall(TESTS, trial.caught, delta=LINE_DELTA * lines.RECALL_DELTA_SHARE)
    scores, wrong = trial.scores[trial.drawn], trial.said_wrong[trial.drawn]
    return _certify(scores, wrong, _plan(trial, alpha), alpha * measured.low)


def _certify(scores: Floats, wrong: Bools, walks: WalkPlan, alpha: float) -> Found | None:
    """The looser result of the exact evaluation, once its audits are there, and of the evidence so far."""
    once, ever_after = split_delta(walks, LINE_DELTA * lines.THRESHOLDS_DELTA_SHARE)
    results = [certification.certify_anytime(scores, wrong, walks, alpha=alpha, delta=ever_after)]
    if len(scores) >= DECLARED:
        first = certification.certify_declared(scores[:DECLARED], wrong[:DECLARED], walks, alpha=alpha, delta=once)
        results.append(first)
    found = max((one for one in results if one is not None), key=lambda one: one.index, default=None)
    return None if found is None else Found(found.threshold, found.accepted, found.wrong)


def _plan(trial: Trial, target: float) -> WalkPlan:
    """Where walks begin, by the outputs that were not drawn."""
    bins = np.searchsorted(thresholds.THRESHOLDS, trial.scores[~trial.drawn], side="right") - 1
    counts = np.bincount(bins, minlength=len(thresholds.THRESHOLDS)).tolist()
    return certification.plan_walks(counts, max_error=target, declared_audits=DECLARED, declared_delta=EXACT_DELTA)


def split_delta(plan: WalkPlan, delta: float) -> tuple[float, float]:
    """The delta of a line's thresholds: what the exact evaluation has, and what the evidence at any time has."""
    share = getattr(plan, "declared_share", statistics.DECLARED_SHARE)
    return delta * share, delta * (1 - share)


def starts_of(starts: tuple[tuple[float, float], ...]) -> Iterator[tuple[int, float]]:
    """The starts of a plan as indices of the grid, strict to loose, with their shares."""
    for threshold, share in starts:
        yield len(THRESHOLDS_STRICT_TO_LOOSE) - 1 - thresholds.find_threshold_index(threshold), share


def reach_anytime(
    accepted: NDArray[np.int64], wrong: NDArray[np.int64], plan: WalkPlan, *, alpha: float, delta: float
) -> int:
    """The index of the grid that the evidence so far certifies, from its counts; -1 for none."""
    _, ever_after = split_delta(plan, delta)
    found = certification.certify_anytime_counts(Tally(accepted, wrong), plan, alpha=alpha, delta=ever_after)
    return -1 if found is None else found.index


def reach_declared(
    accepted: NDArray[np.int64], wrong: NDArray[np.int64], plan: WalkPlan, *, alpha: float, delta: float
) -> int:
    """The same for the exact evaluation, from the counts of the first audits."""
    once, _ = split_delta(plan, delta)
    found = certification.certify_declared_counts(Tally(accepted, wrong), plan, alpha=alpha, delta=once)
    return -1 if found is None else found.index
