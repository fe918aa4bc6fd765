"""The method before evidence that may be looked at at any time: exact evaluations, each at a price, by counts.

Evaluation number k of a population had 6 / (pi^2 k^2) of delta, with walks from the threshold in use and from three
others. Kept to show what it gave, and how often it was false where people chose its moment or its sample by the labels.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.measured.many_lines import STEPS, Counts
from benchmarks.measured.trials import POLICY
from benchmarks.measured.ways import DELTA
from escalation import statistics
from escalation.guarantees import thresholds

IN_USE = STEPS - 1 - thresholds.find_threshold_index(POLICY.threshold or 0.0)

type Ints = NDArray[np.int64]


def evaluate(accepted: Ints, wrong: Ints, *, alpha: float, number: int = 1, parts: int = 1) -> int:
    """The index that evaluation `number` certifies for one of so many groups, from its counts; -1 for none."""
    delta, audits = statistics.compute_evaluation_delta(DELTA, number) / parts, int(accepted[-1])
    if audits < statistics.compute_min_labels(alpha, delta / statistics.COLD_START_COUNT):
        return -1
    starts = statistics.choose_running_starts(accepted, deployed=IN_USE, alpha=alpha, delta=delta, n=audits)
    index = statistics.walk_grid(statistics.compute_p_values(accepted, wrong, alpha), starts)
    return -1 if index is None else int(np.searchsorted(accepted, accepted[index]))


def evaluate_all(counts: Counts, *, alpha: float, number: int = 1, parts: int = 1) -> Ints:
    """The same for every row."""
    pairs = zip(counts.accepted, counts.wrong, strict=True)
    return np.array([evaluate(*pair, alpha=alpha, number=number, parts=parts) for pair in pairs])


class Peeking:
    """Somebody who presses the button the first time that the first evaluation would certify anything."""

    def __init__(self, rows: int, alpha: float) -> None:
        self.best, self._alpha = np.full(rows, -1), alpha

    def look(self, counts: Counts) -> None:
        most = _most_wrong(self._alpha, 1 << int(counts.accepted.max(initial=1)).bit_length())
        passing = (counts.wrong <= most[counts.accepted]).any(axis=1)
        for row in np.flatnonzero((self.best < 0) & passing).tolist():
            self.best[row] = evaluate(counts.accepted[row], counts.wrong[row], alpha=self._alpha)


def take_rate(counts: Counts, alpha: float) -> Ints:
    """The naive way: the loosest threshold at which the sample's error rate is at most the target; -1 for none."""
    keeps = (counts.wrong <= alpha * counts.accepted) & (counts.accepted > 0)
    return np.where(keeps.any(axis=1), STEPS - 1 - np.argmax(keeps[:, ::-1], axis=1), -1)


@lru_cache
def _most_wrong(alpha: float, most: int) -> Ints:
    """(most + 1,) the most errors among n audits that pass with all of delta; -1 if none do."""
    audits, delta = np.arange(most + 1), statistics.compute_evaluation_delta(DELTA, 1)
    low, high = np.full(most + 1, -1), audits + 1
    while (high - low > 1).any():
        middle = (low + high) // 2
        passes = (middle >= 0) & (statistics.compute_p_values(audits, np.maximum(middle, 0), alpha) <= delta)
        moving = high - low > 1
        low, high = np.where(moving & passes, middle, low), np.where(moving & ~passes, middle, high)
    return low
