"""Certifying thresholds: exact binomial tests along a grid whose order was fixed before labels were seen.

Learn then Test (Angelopoulos, Bates, Candes, Jordan and Lei 2021, arXiv 2110.01052) with fixed-sequence testing from
several starts. All counts come from one simple random sample of the traffic, so they need no weights.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

COLD_START_COUNT = 3
# No start where even a sample without errors would fail, and none so late that no step is left.
_FIRST_START_FACTOR, _LAST_START_FACTOR = 1.2, 0.9


@dataclass(frozen=True, slots=True)
class WalkStart:
    """Where a walk along the grid begins, and its share of delta."""

    index: int
    delta: float


@dataclass(frozen=True, slots=True)
class CertifiedThreshold:
    """The loosest threshold that a walk reached.

    `threshold` in [0, 1]; `accepted` and `wrong` are the sample's counts at or above it. What is proved is that its
    risk is at most the target. A lower bound from these counts would be false more often than delta, because the
    threshold was chosen by the same labels.
    """

    index: int
    threshold: float
    accepted: int
    wrong: int


def compute_min_labels(alpha: float, delta: float) -> int:
    """The fewest labels, none of them an error, that show risk <= alpha: ceil(ln delta / ln(1 - alpha))."""
    _check_target(alpha, delta)
    return math.ceil(math.log(delta) / math.log1p(-alpha))


def compute_p_values(accepted: NDArray[np.int64], wrong: NDArray[np.int64], alpha: float) -> NDArray[np.float64]:
    """P(K <= wrong) for K ~ Binomial(accepted, alpha), per threshold: the p-value of "the risk is above alpha"."""
    return np.where(wrong >= accepted, 1.0, np.asarray(bdtr(wrong.astype(float), accepted, alpha), dtype=np.float64))


def count_accepted(
    scores: NDArray[np.float64], errors: NDArray[np.bool_], grid: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many of the sample are at or above each threshold, and how many of those are wrong; shapes as `grid`."""
    order = np.argsort(scores, kind="stable")
    before = np.searchsorted(scores[order], grid, side="left")
    wrong_from = np.append(np.cumsum(errors[order][::-1])[::-1], 0)
    return (len(scores) - before).astype(np.int64), wrong_from[before].astype(np.int64)


def choose_cold_starts(accepted: NDArray[np.int64], *, alpha: float, delta: float, n: int) -> list[WalkStart]:
    """Three starts that share delta, at geometrically spaced sample counts between 1.2 n_min and 0.9 n.

    Uses how many outputs each threshold accepts, never which of them are wrong. Starts at one threshold are merged.
    """
    share = delta / COLD_START_COUNT
    first, last = _FIRST_START_FACTOR * compute_min_labels(alpha, share), _LAST_START_FACTOR * n
    targets = [first, math.sqrt(first * last), last]
    return merge_starts([WalkStart(int(np.argmin(np.abs(accepted - target))), share) for target in targets])


def choose_running_starts(
    accepted: NDArray[np.int64], *, deployed: int, alpha: float, delta: float, n: int
) -> list[WalkStart]:
    """Half of delta on the threshold in use, at this index of the grid, and half on three cold starts."""
    return merge_starts(
        [WalkStart(deployed, delta / 2), *choose_cold_starts(accepted, alpha=alpha, delta=delta / 2, n=n)]
    )


def merge_starts(starts: Sequence[WalkStart]) -> list[WalkStart]:
    """One start per index, with the sum of its shares."""
    shares: dict[int, float] = {}
    for start in starts:
        shares[start.index] = shares.get(start.index, 0.0) + start.delta
    return [WalkStart(index, share) for index, share in sorted(shares.items())]


def walk_grid(p: Sequence[float] | NDArray[np.float64], starts: Sequence[WalkStart]) -> int | None:
    """The loosest index that any walk reaches, strict to loose, stopping at its first failure; None if none does."""
    reached: int | None = None
    for start in starts:
        passed = np.asarray(p[start.index :]) <= start.delta
        steps = len(passed) if passed.all() else int(np.argmin(passed))
        if steps and (reached is None or start.index + steps - 1 > reached):
            reached = start.index + steps - 1
    return reached


def walk_carrying(p: NDArray[np.float64], starts: Sequence[WalkStart]) -> NDArray[np.int64]:
    """The loosest index that is reached for each row of p, (trials, J) strict to loose; -1 if none is.

    One walk that gains the delta of each start it comes to, and loses all of it at a failure: the fallback procedure
    (Wiens 2003; Wiens and Dmitrienko 2005). Like `walk_grid`, it certifies something false with probability <= the sum
    of the starts' deltas, and it never reaches less: a walk that comes to another start goes on with both shares.
    """
    gained = np.zeros(p.shape[1])
    for start in starts:
        gained[start.index] += start.delta
    level, reached = np.zeros(len(p)), np.full(len(p), -1, np.int64)
    for index in range(p.shape[1]):
        level += gained[index]
        passed = (level > 0) & (p[:, index] <= level)
        level[~passed] = 0.0
        reached[passed] = index
    return reached


def certify_threshold(
    scores: NDArray[np.float64],
    errors: NDArray[np.bool_],
    grid: NDArray[np.float64],
    starts: Sequence[WalkStart],
    *,
    alpha: float,
    delta: float,
) -> CertifiedThreshold | None:
    """The loosest threshold of the grid (strict to loose) whose risk is at most alpha; None if there is none.

    Of thresholds that accept the same outputs of the sample, the strictest: nothing is known of outputs with a lower
    score than any that was labelled. False with probability <= delta, provided that the starts' shares sum to at most
    delta and that grid and starts were fixed before any label was seen. Raises ValueError if the shares exceed delta or
    the grid is out of order.
    """
    _check_target(alpha, delta)
    if sum(start.delta for start in starts) > delta * (1 + 1e-12):
        raise ValueError("the starts spend more than delta")
    if np.any(np.diff(grid) > 0):
        raise ValueError("the grid is not ordered from strict to loose")
    accepted, wrong = count_accepted(scores, errors, grid)
    index = walk_grid(compute_p_values(accepted, wrong, alpha), starts)
    return None if index is None else describe_threshold(index, accepted, wrong, grid)


def describe_threshold(
    index: int, accepted: NDArray[np.int64], wrong: NDArray[np.int64], grid: NDArray[np.float64]
) -> CertifiedThreshold:
    """The threshold that a walk reached, with its counts: the strictest of those that accept the same outputs."""
    index = int(np.searchsorted(accepted, accepted[index]))
    return CertifiedThreshold(index, float(grid[index]), int(accepted[index]), int(wrong[index]))


def compute_evaluation_delta(delta: float, evaluation: int) -> float:
    """The part of delta for the k-th evaluation of a population: delta * 6 / (pi^2 k^2); together they use delta."""
    if evaluation < 1:
        raise ValueError(f"evaluations are numbered from 1, got {evaluation}")
    return delta * 6 / (math.pi**2 * evaluation**2)


def compute_labels_needed(
    risk: float, *, alpha: float, delta: float, power: float = 0.8, most: int = 1_000_000
) -> int | None:
    """The fewest labels in the accepted region with which a true risk passes with this power; None beyond `most`.

    With n labels the test passes up to c(n) errors, the largest c with P(Bin(n, alpha) <= c) <= delta; its power is
    P(Bin(n, risk) <= c(n)). The power is a sawtooth: it falls with n until one more error is allowed. The result is the
    n from which on every n has the power.
    """
    _check_target(alpha, delta)
    if not 0 <= risk < alpha:
        return None
    for block in itertools.count():
        sizes = _list_passing_sizes(block, alpha, delta)
        allowed = np.arange(block * _BLOCK, (block + 1) * _BLOCK, dtype=np.float64)
        enough = np.asarray(bdtr(allowed, sizes[1:] - 1, risk)) >= power
        if enough.any():
            found = int(sizes[int(np.argmax(enough))])
            return found if found <= most else None
        if sizes[-1] > most:
            break
    return None


_BLOCK = 256


@functools.lru_cache(maxsize=512)
def _list_passing_sizes(block: int, alpha: float, delta: float) -> NDArray[np.int64]:
    """(257,) the smallest n with P(Bin(n, alpha) <= c) <= delta, for 256 numbers of errors c and the next one.

    The same for every risk, so it is remembered: pages and sweeps ask for every threshold of the grid.
    """
    errors = np.arange(block * _BLOCK, (block + 1) * _BLOCK + 1, dtype=np.float64)
    low = errors.astype(np.int64)
    high = 2 * low + compute_min_labels(alpha, delta)
    while (short := np.asarray(bdtr(errors, high, alpha)) > delta).any():
        low, high = np.where(short, high, low), np.where(short, 2 * high, high)
    while (low < high).any():
        middle = (low + high) // 2
        passes = np.asarray(bdtr(errors, middle, alpha)) <= delta
        low, high = np.where(passes, low, middle + 1), np.where(passes, middle, high)
        low = np.minimum(low, high)
    return low


def _check_target(alpha: float, delta: float) -> None:
    if not (0 < alpha < 1 and 0 < delta < 1):
        raise ValueError(f"alpha and delta must be between 0 and 1, got {alpha} and {delta}")
