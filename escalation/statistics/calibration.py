"""Whether a confidence means what it says, and what it should have said.

`scores` are confidences in [0, 1], `right` whether each output was right; both of one simple random sample, same shape.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from escalation.statistics.intervals import compute_clopper_pearson

BIN_COUNT = 15
_CLIP_MARGIN = 1e-6  # confidences of exactly 0 and 1 have no logit
_MAX_ITERATIONS = 100
_STEP_TOLERANCE = 1e-10
_RIDGE = 1e-9  # keeps a sample of one score solvable


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The outputs between two confidences: their mean confidence, the share that was right, and its interval."""

    low: float
    high: float
    n: int
    mean_confidence: float
    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class PlattScaling:
    """P(right) = 1 / (1 + exp(-(slope logit(score) + intercept)))."""

    slope: float
    intercept: float

    def __call__(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        calibrated: NDArray[np.float64] = expit(self.slope * _logits(scores) + self.intercept)
        return calibrated


@dataclass(frozen=True, slots=True)
class IsotonicScaling:
    """A step function: from `scores[i]` on, the calibrated confidence is `values[i]`; before the first, `values[0]`."""

    scores: NDArray[np.float64]
    values: NDArray[np.float64]

    def __call__(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        place = np.searchsorted(self.scores, scores, side="right") - 1
        return self.values[np.maximum(place, 0)]


def compute_brier_score(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """The mean squared difference between confidence and outcome: 0 is best, 0.25 is what a coin earns (Brier 1950)."""
    return float(np.mean((scores - right) ** 2))


def compute_calibration_error(scores: NDArray[np.float64], right: NDArray[np.bool_], bins: int = BIN_COUNT) -> float:
    """ECE: the mean over all outputs of how far their bin's confidence is from its share of right ones.

    Bins of equal width (Naeini, Cooper and Hauskrecht 2015; Guo et al. 2017).
    """
    parts = compute_reliability_bins(scores, right, bins)
    return sum(part.n * abs(part.mean_confidence - part.accuracy) for part in parts) / len(scores)


def compute_reliability_bins(
    scores: NDArray[np.float64], right: NDArray[np.bool_], bins: int = BIN_COUNT, delta: float = 0.05
) -> list[ReliabilityBin]:
    """The reliability diagram: bins of equal width that have outputs, each with its Clopper-Pearson interval."""
    place = np.minimum((scores * bins).astype(int), bins - 1)
    n = np.bincount(place, minlength=bins)
    said = np.bincount(place, weights=scores, minlength=bins)
    hits = np.bincount(place, weights=right.astype(float), minlength=bins)
    return [
        ReliabilityBin(
            low=at / bins,
            high=(at + 1) / bins,
            n=int(n[at]),
            mean_confidence=float(said[at] / n[at]),
            accuracy=float(hits[at] / n[at]),
            interval=compute_clopper_pearson(int(hits[at]), int(n[at]), delta),
        )
        for at in range(bins)
        if n[at]
    ]


def fit_isotonic(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> IsotonicScaling:
    """The increasing step function nearest to the outcomes, by pooling adjacent violators; above 1,000 labels."""
    distinct, place = np.unique(scores, return_inverse=True)
    weight = np.bincount(place).astype(float)
    values = np.bincount(place, weights=right.astype(float)) / weight
    starts: list[int] = []
    means: list[float] = []
    masses: list[float] = []
    for at, (value, mass) in enumerate(zip(values.tolist(), weight.tolist(), strict=True)):
        starts.append(at)
        means.append(value)
        masses.append(mass)
        while len(means) > 1 and means[-2] >= means[-1]:
            merged = masses[-2] + masses[-1]
            means[-2:] = [(means[-2] * masses[-2] + means[-1] * masses[-1]) / merged]
            masses[-2:] = [merged]
            starts.pop()
    return IsotonicScaling(distinct[starts], np.asarray(means))


def fit_platt(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> PlattScaling:
    """Logistic regression on the logit of the score, by Newton's method; for up to 1,000 labels.

    Targets are (hits + 1) / (hits + 2) and 1 / (misses + 2), as Platt (1999) has them against separable samples.
    """
    hits = int(right.sum())
    target = np.where(right, (hits + 1) / (hits + 2), 1 / (len(right) - hits + 2))
    design = np.column_stack([_logits(scores), np.ones(len(scores))])
    weights = np.array([1.0, 0.0])
    for _ in range(_MAX_ITERATIONS):
        p = expit(design @ weights)
        gradient = design.T @ (p - target)
        hessian = (design * (p * (1 - p))[:, None]).T @ design + _RIDGE * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        # Far from the minimum a whole step overshoots it: half of it, until the loss falls.
        while (
            _loss(design, target, weights - step) > _loss(design, target, weights)
            and np.abs(step).max() > _STEP_TOLERANCE
        ):
            step /= 2
        weights = weights - step
        if np.abs(step).max() <= _STEP_TOLERANCE:
            break
    return PlattScaling(slope=float(weights[0]), intercept=float(weights[1]))


def _loss(design: NDArray[np.float64], target: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """The negative log likelihood, ln(1 + exp(z)) - target z summed."""
    z = design @ weights
    return float(np.sum(np.logaddexp(0.0, z) - target * z))


def _logits(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped: NDArray[np.float64] = logit(np.clip(scores, _CLIP_MARGIN, 1 - _CLIP_MARGIN))
    return clipped
