"""Rates with their uncertainty at a fixed number of checks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import betaincinv


def clopper_pearson(k: int, n: int, delta: float) -> tuple[float, float]:
    """The exact two-sided interval of a proportion, k of n seen; it misses the true one with probability <= delta.

    Clopper and Pearson (1934): low = beta.ppf(delta / 2, k, n - k + 1), high = beta.ppf(1 - delta / 2, k + 1, n - k).
    Nothing seen says nothing: n = 0 gives (0, 1).
    """
    _check(k, n, delta)
    return lower_bound(k, n, delta / 2), upper_bound(k, n, delta / 2)


def upper_bound(k: int, n: int, delta: float) -> float:
    """The exact one-sided upper bound U = beta.ppf(1 - delta, k + 1, n - k); 1 when everything seen was an error."""
    _check(k, n, delta)
    return float(betaincinv(k + 1, n - k, 1 - delta)) if k < n else 1.0


def lower_bound(k: int, n: int, delta: float) -> float:
    """The exact one-sided lower bound L = beta.ppf(delta, k, n - k + 1); 0 when no error was seen."""
    _check(k, n, delta)
    return float(betaincinv(k, n - k + 1, delta)) if k else 0.0


def hajek(weights: Sequence[float], errors: Sequence[float]) -> float | None:
    """The weighted error rate sum(w e) / sum(w), w = 1 / pi of each checked output; None where nothing was checked.

    Hajek (1971): the ratio stays within [0, 1], which the plain sum over a known total need not.
    """
    weight = np.asarray(weights, dtype=float)
    total = float(weight.sum())
    return float(weight @ np.asarray(errors, dtype=float)) / total if total > 0 else None


def _check(k: int, n: int, delta: float) -> None:
    if not (0 <= k <= n and 0 < delta < 1):
        raise ValueError(f"no proportion: {k} of {n} at {delta}")
