"""Methods to choose a threshold from a trial: the product's, and common ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks.measured.trials import POLICY, TESTS, Bools, Floats, Trial
from escalation import statistics
from escalation.guarantees import certification, lines, thresholds
from escalation.guarantees.certification import WalkPlan

DELTA = 0.05
LINE_DELTA = DELTA * lines.FIRST_SHARE  # of the first line of evidence
EXACT_DELTA = LINE_DELTA * lines.THRESHOLDS_DELTA_SHARE * statistics.DECLARED_SHARE
DECLARED = 800  # the number of audits of the exact evaluation


class Found(NamedTuple):
    """A threshold that was certified, how many checks are at or above it, and how many of those were wrong."""

    threshold: float
    checked: int
    wrong: int


# A method to choose a threshold from a trial; None if it chooses none.
type Way = Callable[[Trial, float], float | None]


def certified(trial: Trial, alpha: float) -> Found | None:
    """The product's method, assuming that reviewers miss no errors."""
    return _certified(trial, alpha, alpha, LINE_DELTA * lines.THRESHOLDS_DELTA_SHARE)


def corrected(trial: Trial, alpha: float) -> Found | None:
    """The product's method, corrected for the errors reviewers miss, as measured by test items."""
    delta = 2 * LINE_DELTA * lines.RECALL_DELTA_SHARE
    missed = statistics.compute_confidence_sequence(TESTS, [TESTS - trial.caught], [1.0], delta)
    return _certified(trial, alpha, alpha * (1 - missed.high), LINE_DELTA * lines.THRESHOLDS_DELTA_SHARE)


def former(trial: Trial, alpha: float) -> float | None:
    """The method of before: one exact evaluation at the price of the first, with walks from the threshold in use."""
    scores, wrong = _drawn(trial)
    delta = statistics.compute_evaluation_delta(DELTA, 1)
    if len(scores) < statistics.compute_min_labels(alpha, delta / statistics.COLD_START_COUNT):
        return None
    grid = certification.THRESHOLDS_STRICT_TO_LOOSE
    accepted, _ = statistics.count_accepted(scores, np.zeros(len(scores), bool), grid)
    in_use = len(grid) - 1 - thresholds.find_threshold_index(POLICY.threshold or 0.0)
    starts = statistics.choose_running_starts(accepted, deployed=in_use, alpha=alpha, delta=delta, n=len(scores))
    found = statistics.certify_threshold(scores, wrong, grid, starts, alpha=alpha, delta=delta)
    return None if found is None else found.threshold


def peeking(trial: Trial, alpha: float) -> float | None:
    """The product's method, looked at after every 25 audits and taken as soon as it certifies anything."""
    scores, wrong = _drawn(trial)
    walks = _plan(trial, alpha)
    for seen in range(25, len(scores) + 1, 25):
        delta = LINE_DELTA * lines.THRESHOLDS_DELTA_SHARE
        found = _certify(scores[:seen], wrong[:seen], walks, alpha, delta)
        if found is not None:
            return found.threshold
    return None


def trusting(trial: Trial, alpha: float) -> float | None:
    """Trust the confidence: the loosest threshold above which the mean of 1 - confidence is small enough."""
    return _loosest(lambda accepted: float((1 - trial.scores[accepted]).mean()) <= alpha, trial)


def unchecked_as_right(trial: Trial, alpha: float) -> float | None:
    """Count unreviewed outputs as correct: reported errors divided by all automated outputs."""
    reported = trial.said_wrong & trial.drawn
    return _loosest(lambda accepted: float(reported[accepted].mean()) <= alpha, trial)


def point_estimate(trial: Trial, alpha: float) -> float | None:
    """Take the sample's error rate as true, ignoring its uncertainty."""
    return _loosest(
        lambda accepted: (
            bool((accepted & trial.drawn).any()) and float(trial.said_wrong[accepted & trial.drawn].mean()) <= alpha
        ),
        trial,
    )


def _threshold(look: Callable[[Trial, float], Found | None]) -> Way:
    def threshold(trial: Trial, alpha: float) -> float | None:
        found = look(trial, alpha)
        return None if found is None else found.threshold

    return threshold


CERTIFIED, CORRECTED, PEEKING = "certified", "certified, misses measured", "certified, a look every 25 audits"
WAYS: dict[str, Way] = {
    CERTIFIED: _threshold(certified),
    CORRECTED: _threshold(corrected),
    PEEKING: peeking,
    "one exact evaluation, as before": former,
    "trusting the confidence": trusting,
    "unchecked counts as right": unchecked_as_right,
    "the sample's error rate": point_estimate,
}


def _certified(trial: Trial, target: float, alpha: float, delta: float) -> Found | None:
    return _certify(*_drawn(trial), _plan(trial, target), alpha, delta)


def _certify(scores: Floats, wrong: Bools, walks: WalkPlan, alpha: float, delta: float) -> Found | None:
    """The looser result of the exact evaluation, once its audits are there, and of the evidence so far."""
    exact = delta * statistics.DECLARED_SHARE
    results = [certification.certify_anytime(scores, wrong, walks, alpha=alpha, delta=delta - exact)]
    if len(scores) >= DECLARED:
        first = certification.certify_declared(scores[:DECLARED], wrong[:DECLARED], walks, alpha=alpha, delta=exact)
        results.append(first)
    found = max((one for one in results if one is not None), key=lambda one: one.index, default=None)
    return None if found is None else Found(found.threshold, found.accepted, found.wrong)


def _drawn(trial: Trial) -> tuple[Floats, Bools]:
    return trial.scores[trial.drawn], trial.said_wrong[trial.drawn]


def _plan(trial: Trial, target: float) -> WalkPlan:
    """Where walks begin, by the outputs that were not drawn."""
    bins = np.searchsorted(thresholds.THRESHOLDS, trial.scores[~trial.drawn], side="right") - 1
    counts = np.bincount(bins, minlength=len(thresholds.THRESHOLDS)).tolist()
    return certification.plan_walks(counts, max_error=target, declared_audits=DECLARED, declared_delta=EXACT_DELTA)


def _loosest(keeps: Callable[[Bools], bool], trial: Trial) -> float | None:
    for threshold in thresholds.THRESHOLDS:
        accepted = trial.scores >= threshold
        if not accepted.any() or keeps(accepted):
            return threshold if accepted.any() else None
    return None
