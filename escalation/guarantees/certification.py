"""Certifies the loosest threshold of the grid that meets a target, from the labels of a sample. Pure.

Where the walks along the grid begin depends on the confidences only, never on labels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from escalation import statistics
from escalation.guarantees import thresholds
from escalation.statistics import CertifiedThreshold, WalkStart

THRESHOLDS_STRICT_TO_LOOSE: NDArray[np.float64] = np.array(thresholds.THRESHOLDS[::-1])


def choose_starts(
    scores: NDArray[np.float64], *, alpha: float, delta: float, deployed: float | None = None
) -> list[WalkStart]:
    """Where the walks begin: cold starts, or half of delta on the threshold in use and half on cold starts."""
    accepted, _ = statistics.count_accepted(scores, np.zeros(len(scores), np.bool_), THRESHOLDS_STRICT_TO_LOOSE)
    if deployed is None:
        return statistics.choose_cold_starts(accepted, alpha=alpha, delta=delta, n=len(scores))
    index = len(THRESHOLDS_STRICT_TO_LOOSE) - 1 - thresholds.find_threshold_index(deployed)
    return statistics.choose_running_starts(accepted, deployed=index, alpha=alpha, delta=delta, n=len(scores))


def certify_grid_threshold(
    scores: NDArray[np.float64],
    wrong: NDArray[np.bool_],
    starts: list[WalkStart],
    *,
    alpha: float,
    delta: float,
) -> CertifiedThreshold | None:
    """The loosest threshold of the grid whose risk is at most alpha, or None; false with probability <= delta."""
    return statistics.certify_threshold(scores, wrong, THRESHOLDS_STRICT_TO_LOOSE, starts, alpha=alpha, delta=delta)
