"""Rates and their intervals, for a sample of fixed size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import betaincinv

# With fewer audits a percentage says more than they do: without a single error in 20, the true rate may still be 17 %
# (the end of the 95 % interval), with 5 it may be 52 %. Pages then say how few there are instead.
MIN_AUDITS_FOR_RATE = 20


def compute_clopper_pearson(k: int, n: int, delta: float) -> tuple[float, float]:
    """The exact two-sided interval of a proportion from k of n; it misses the true value with probability <= delta.

    Clopper and Pearson (1934): low = beta.ppf(delta / 2, k, n - k + 1), high = beta.ppf(1 - delta / 2, k + 1, n - k).
    n = 0 gives (0, 1).
    """
    _check_proportion(k, n, delta)
    return compute_lower_bound(k, n, delta / 2), compute_upper_bound(k, n, delta / 2)


def compute_upper_bound(k: int, n: int, delta: float) -> float:
    """The exact one-sided upper bound U = beta.ppf(1 - delta, k + 1, n - k); 1 if k = n."""
    _check_proportion(k, n, delta)
    return float(betaincinv(k + 1, n - k, 1 - delta)) if k < n else 1.0


def compute_lower_bound(k: int, n: int, delta: float) -> float:
    """The exact one-sided lower bound L = beta.ppf(delta, k, n - k + 1); 0 if k = 0."""
    _check_proportion(k, n, delta)
    return float(betaincinv(k, n - k + 1, delta)) if k else 0.0


def compute_weighted_interval(
    weights: Sequence[float], counts: Sequence[int], rate: float, delta: float
) -> tuple[float, float]:
    """An interval around a weighted rate: Clopper and Pearson's, for the effective sample size.

    `counts[i]` audits weigh `weights[i]` each. n = (sum w)^2 / sum w^2 (Kish 1965). With equal weights that is the
    number of audits, and the interval is exact; the more they differ the smaller it is, and the interval approximate.
    """
    weight, number = np.asarray(weights, dtype=float), np.asarray(counts, dtype=float)
    n = float((weight @ number) ** 2 / (weight**2 @ number))
    k = rate * n
    low = float(betaincinv(k, n - k + 1, delta / 2)) if k > 0 else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - delta / 2)) if k < n else 1.0
    return low, high


def compute_weighted_rate(weights: Sequence[float], errors: Sequence[float]) -> float | None:
    """The weighted error rate sum(w e) / sum(w), w = 1 / pi of each audited output; None without audits.

    Hajek (1971): unlike the sum divided by a known total, this ratio stays within [0, 1].
    """
    weight = np.asarray(weights, dtype=float)
    total = float(weight.sum())
    return float(weight @ np.asarray(errors, dtype=float)) / total if total > 0 else None


def _check_proportion(k: int, n: int, delta: float) -> None:
    if not (0 <= k <= n and 0 < delta < 1):
        raise ValueError(f"expected 0 <= k <= n and 0 < delta < 1, got k={k}, n={n}, delta={delta}")
