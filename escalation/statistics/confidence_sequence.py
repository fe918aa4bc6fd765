"""Evidence that stays valid however often it is read: bets against a claimed risk.

Waudby-Smith and Ramdas (arXiv 2010.09686), with inverse inclusion probabilities as in Xu et al. (arXiv 2406.10490).
Everything is computed from counts: `n` outputs accepted, audited or not, and for each inclusion probability pi_h in
`pis` the number `ks[h]` of errors found.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

# What is bet, as shares of the most that can be bet.
BETS = (np.arange(20) + 0.5) / 20
_RISK_MULTIPLES = np.array([1.1, 1.25, 1.5, 2, 3, 5, 10, 20])  # the risks bet on for the lower end, as multiples of m
_BISECTION_STEPS = 60  # more than the precision of a float


@dataclass(frozen=True, slots=True)
class ConfidenceSequence:
    """An estimated risk, and an interval around it that is valid at all times simultaneously."""

    estimate: float
    low: float
    high: float


def compute_log_evalue(n: int, ks: Sequence[int], pis: Sequence[float], m: float) -> float:
    """ln of the evidence against "the risk is at least m".

    log W(lam) = (n - sum k) log(1 + lam m) + sum k_h log(1 + lam (m - 1 / pi_h)) with 20 bets lam = c / (1 / pi_min -
    m), c = (k + .5) / 20; log E = logsumexp(log W) - log 20. P(E ever >= 1 / delta) <= delta when the risk is >= m.
    """
    _check_evidence(n, ks, pis, m)
    return _log_wealth(n, ks, pis, m, BETS / (1 / min(pis) - m))


def compute_confidence_sequence(n: int, ks: Sequence[int], pis: Sequence[float], delta: float) -> ConfidenceSequence:
    """The risks against which the evidence has not reached 2 / delta on either side; valid at every n simultaneously.

    About 1.5 times as wide as an interval that may be read only once. With nothing accepted: 0 to 1.
    """
    if n == 0:
        return ConfidenceSequence(estimate=0.0, low=0.0, high=1.0)
    _check_evidence(n, ks, pis, 0.5)
    estimate = min(1.0, sum(k / pi for k, pi in zip(ks, pis, strict=True)) / n)
    needed = math.log(2 / delta)
    high = _bisect(lambda m: compute_log_evalue(n, ks, pis, m) >= needed, estimate, 1.0) if estimate < 1 else 1.0
    low = estimate - _bisect(lambda d: _compute_lower_log_evalue(n, ks, pis, estimate - d) >= needed, 0.0, estimate)
    return ConfidenceSequence(estimate=estimate, low=max(0.0, low), high=high)


def _compute_lower_log_evalue(n: int, ks: Sequence[int], pis: Sequence[float], m: float) -> float:
    """ln of the evidence against "the risk is at most m": the mirror image of `compute_log_evalue`.

    Each is the Kelly bet for a true risk r = m {1.1, 1.25, 1.5, 2, 3, 5, 10, 20}, capped at .999: with p = pi_min an
    error is found with probability q = r p, so lam = q / m - (1 - q) / (1 / p - m).
    """
    if m <= 0:
        return math.inf if sum(ks) else -math.inf
    p = min(pis)
    q = np.minimum(m * _RISK_MULTIPLES, 0.999) * p
    return _log_wealth(n, ks, pis, m, -(q / m - (1 - q) / (1 / p - m)))


def _log_wealth(n: int, ks: Sequence[int], pis: Sequence[float], m: float, bets: NDArray[np.float64]) -> float:
    with np.errstate(divide="ignore"):
        wealth = (n - sum(ks)) * np.log1p(bets * m)
        for k, pi in zip(ks, pis, strict=True):
            wealth = wealth + (k * np.log1p(bets * (m - 1 / pi)) if k else 0.0)
    return float(logsumexp(wealth)) - math.log(len(bets))


def _bisect(is_past: Callable[[float], bool], inside: float, outside: float) -> float:
    """Where `is_past` becomes true between `inside` and `outside`, rounded outwards; `outside` if it never does."""
    for _ in range(_BISECTION_STEPS):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if is_past(middle) else (middle, outside)
    return outside


def _check_evidence(n: int, ks: Sequence[int], pis: Sequence[float], m: float) -> None:
    if not (0 <= sum(ks) <= n and min(ks, default=0) >= 0 and pis and all(0 < pi <= 1 for pi in pis) and 0 < m < 1):
        raise ValueError(f"invalid counts or probabilities: {list(ks)} of {n} at {list(pis)} against {m}")
