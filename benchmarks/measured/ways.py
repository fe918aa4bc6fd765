"""Methods to choose a threshold from a trial: the product's, and common ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from benchmarks.measured.trials import POLICY, TESTS, Bools, Trial
from escalation import statistics
from escalation.guarantees import certification, preparation, thresholds

DELTA = 0.05


class Found(NamedTuple):
    """A threshold that was certified, how many checks are at or above it, and how many of those were wrong."""

    threshold: float
    checked: int
    wrong: int


# A method to choose a threshold from a trial; None if it chooses none.
type Way = Callable[[Trial, float], float | None]


def certified(trial: Trial, alpha: float) -> Found | None:
    """The product's method, assuming that reviewers miss no errors."""
    return _certified(trial, alpha, statistics.compute_evaluation_delta(DELTA, 1))


def corrected(trial: Trial, alpha: float) -> Found | None:
    """The product's method, corrected for the errors reviewers miss, as measured by test items."""
    spends = statistics.compute_evaluation_delta(DELTA, 1)
    low = statistics.compute_lower_bound(trial.caught, TESTS, spends * preparation.RECALL_DELTA_SHARE)
    return _certified(trial, alpha * low, spends * (1 - preparation.RECALL_DELTA_SHARE))


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


CERTIFIED, CORRECTED = "certified", "certified, misses measured"
WAYS: dict[str, Way] = {
    CERTIFIED: _threshold(certified),
    CORRECTED: _threshold(corrected),
    "trusting the confidence": trusting,
    "unchecked counts as right": unchecked_as_right,
    "the sample's error rate": point_estimate,
}


def _certified(trial: Trial, alpha: float, delta: float) -> Found | None:
    scores, wrong = trial.scores[trial.drawn], trial.said_wrong[trial.drawn]
    if len(scores) < statistics.compute_min_labels(alpha, delta / statistics.COLD_START_COUNT):
        return None
    begin = certification.choose_starts(scores, alpha=alpha, delta=delta, deployed=POLICY.threshold)
    found = certification.certify_grid_threshold(scores, wrong, begin, alpha=alpha, delta=delta)
    return None if found is None else Found(found.threshold, found.accepted, found.wrong)


def _loosest(keeps: Callable[[Bools], bool], trial: Trial) -> float | None:
    for threshold in thresholds.THRESHOLDS:
        accepted = trial.scores >= threshold
        if not accepted.any() or keeps(accepted):
            return threshold if accepted.any() else None
    return None
