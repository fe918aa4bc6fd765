"""Evidence for thresholds that may be looked at at any time, and the starts of the walks along the grid.

Testing by betting (Waudby-Smith and Ramdas, arXiv 2010.09686) at every threshold, combined by fixed-sequence walks as
in Learn then Test (Angelopoulos et al. 2021). By Ville's inequality the evidence against a true "the risk is above
alpha" ever reaches 1 / delta with probability <= delta, so walks may be repeated after every audit without a price.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from escalation.statistics.certification import WalkStart, merge_starts
from escalation.statistics.confidence_sequence import BETS

# Of delta, for the one exact evaluation at the declared number of audits; the rest is for the evidence at any time.
DECLARED_SHARE = 0.7
# The same share in lines that were planned before walks carried their delta on; it also sets the declared number.
FORMER_DECLARED_SHARE = 6 / math.pi**2
# The coverages at which walks of the evidence at any time begin, each with the same share of its delta.
ANYTIME_COVERAGES = (0.1, 0.2, 0.45, 0.9)
_MAX_LABELS = 10**7


def compute_log_evalues(accepted: NDArray[np.int64], wrong: NDArray[np.int64], alpha: float) -> NDArray[np.float64]:
    """(J,) ln of the evidence against "the risk is above alpha" at each threshold, from counts of a random sample.

    `compute_log_evalue` for audits that are all counted (pi = 1): with bets c = (b + .5) / 20,
    log E = logsumexp((n - k) log(1 + c alpha / (1 - alpha)) + k log(1 - c)) - log 20. It grows with alpha, so an alpha
    that is lowered later, even by what was learned meanwhile, keeps its validity.
    """
    right, errors = (accepted - wrong)[:, None], wrong[:, None]
    wealth = right * np.log1p(BETS * alpha / (1 - alpha)) + errors * np.log1p(-BETS)
    found: NDArray[np.float64] = logsumexp(wealth, axis=1) - math.log(len(BETS))
    return found


def compute_min_anytime_labels(alpha: float, delta: float) -> int:
    """The fewest labels, none of them an error, whose evidence reaches 1 / delta."""
    low, high = 0, 1
    while _evidence_without_errors(high, alpha) < -math.log(delta) and high < _MAX_LABELS:
        low, high = high, 2 * high
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _evidence_without_errors(middle, alpha) >= -math.log(delta) else (middle, high)
    return high


def choose_anytime_starts(coverage: NDArray[np.float64]) -> list[WalkStart]:
    """The starts of the evidence at any time, with shares of its delta that sum to 1.

    coverage: (J,) the share of outputs at or above each threshold, from outputs whose labels are not used.
    """
    share = 1 / len(ANYTIME_COVERAGES)
    return merge_starts([WalkStart(int(np.argmin(np.abs(coverage - wanted))), share) for wanted in ANYTIME_COVERAGES])


def _evidence_without_errors(labels: int, alpha: float) -> float:
    return float(compute_log_evalues(np.array([labels]), np.array([0]), alpha)[0])
