"""Thousands of lines of evidence at once: counts of all of them in arrays, certified by the product's own functions.

A row is a line of evidence of one group of one stream. Looking at 5,000 of them after every 25 of 20,000 audits would
be millions of evaluations, nearly all without a result. So arrays first find the rows in which the product's walk could
reach a looser threshold than before: a chain of thresholds from one of its starts, each passing at no less than the
level it can have there. Only these are evaluated, by `guarantees.certification`. `check` evaluates rows at random to
show that none was left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.measured.trials import Bools, Floats
from benchmarks.measured.ways import reach_anytime, reach_declared, split_delta, starts_of
from escalation import statistics
from escalation.guarantees.certification import THRESHOLDS_STRICT_TO_LOOSE, WalkPlan

STEPS = len(THRESHOLDS_STRICT_TO_LOOSE)
LEVELS = 8  # levels of a walk are rounded up to so many parts of its delta
ALPHAS = 20  # targets that are lowered by what reviewers miss, to so many parts of the target

type Ints = NDArray[np.int64]


class Counts:
    """(R, J) the audits of each row at or above each threshold of the grid, strict to loose, and the wrong ones."""

    def __init__(self, rows: int) -> None:
        self._audits = np.zeros((rows, STEPS), np.int64)
        self._errors = np.zeros((rows, STEPS), np.int64)
        self.accepted, self.wrong = self._audits.copy(), self._errors.copy()

    def add(self, bins: Ints, wrong: Bools, kept: Bools | None = None) -> None:
        """Count (R, m) audits, of which only those `kept` exist."""
        cells = bins + np.arange(len(bins))[:, None] * STEPS
        self._audits += self._by_cell(cells if kept is None else cells[kept])
        self._errors += self._by_cell(cells[wrong if kept is None else wrong & kept])
        np.cumsum(self._audits, axis=1, out=self.accepted)
        np.cumsum(self._errors, axis=1, out=self.wrong)

    def clear(self, rows: Ints) -> None:
        for counts in (self._audits, self._errors, self.accepted, self.wrong):
            counts[rows] = 0

    @property
    def total(self) -> Ints:
        return self.accepted[:, -1]

    def _by_cell(self, cells: Ints) -> Ints:
        return np.bincount(cells.ravel(), minlength=self._audits.size).reshape(self._audits.shape)


class Lines:
    """R lines of evidence. best: the loosest index each certified so far, -1 for none; what is certified stays so.

    alpha: the error target; delta: (R,) of the thresholds of each line; declared: audits of the exact evaluation.
    """

    def __init__(self, plans: Sequence[WalkPlan], *, alpha: float, delta: Floats, declared: int) -> None:
        rows = len(plans)
        self.plans, self.alpha, self.delta, self.declared = list(plans), alpha, delta.copy(), declared
        self.counts, self.first = Counts(rows), Counts(rows)
        self.best = np.full(rows, -1)
        self._exact_at = np.zeros(rows)  # the target of the latest exact evaluation
        self._levels = np.zeros((rows, STEPS), np.int64)
        self._starts: Bools = np.full((rows, STEPS), False)
        for row, plan in enumerate(plans):
            self._set_starts(row, plan)

    def add(self, bins: Ints, wrong: Bools, kept: Bools | None = None) -> None:
        """Add (R, m) audits in order of arrival."""
        before = self.counts.total[:, None].copy()
        number = np.arange(bins.shape[1]) if kept is None else np.cumsum(kept, axis=1) - 1
        early = before + number < self.declared
        self.counts.add(bins, wrong, kept)
        if early.any():
            self.first.add(bins, wrong, early if kept is None else early & kept)

    def take_worst(self, labels: Sequence[Lines]) -> None:
        """Count at each threshold the errors of the label that has most there, as the product does for label sets."""
        self._take_worst_of(self.counts, [label.counts for label in labels])
        self._take_worst_of(self.first, [label.first for label in labels])

    @staticmethod
    def _take_worst_of(mine: Counts, theirs: Sequence[Counts]) -> None:
        mine.accepted, mine.wrong = theirs[0].accepted, theirs[0].wrong
        for one in theirs[1:]:
            mine.wrong = np.maximum(mine.wrong, one.wrong)

    def look(self, alpha: Floats | None = None) -> Ints:
        """Evaluate all lines now, at the targets (R,); returns the rows that certify a looser threshold than before."""
        targets = np.full(len(self.plans), self.alpha) if alpha is None else alpha
        before = self.best.copy()
        self._look_once(targets)
        for row in self._candidates(targets).tolist():
            self.best[row] = max(self.best[row], self.reach(row, float(targets[row])))
        return np.flatnonzero(self.best > before)

    def reach(self, row: int, alpha: float) -> int:
        """The index that the evidence so far certifies, by the product."""
        accepted, wrong = self.counts.accepted[row], self.counts.wrong[row]
        return reach_anytime(accepted, wrong, self.plans[row], alpha=alpha, delta=float(self.delta[row]))

    def check(self, rng: np.random.Generator, rows: int, alpha: Floats | None = None) -> bool:
        """Whether rows at random have nothing looser than what was found in them."""
        picked = rng.integers(len(self.plans), size=rows).tolist()
        return all(
            self.reach(row, self.alpha if alpha is None else float(alpha[row])) <= self.best[row] for row in picked
        )

    def restart(self, rows: Ints, delta: Floats) -> None:
        """Begin another line, with this delta, in each of these rows."""
        self.counts.clear(rows)
        self.first.clear(rows)
        self.delta[rows], self._exact_at[rows] = delta, 0.0

    def _look_once(self, targets: Floats) -> None:
        """The exact evaluations that are due, of the first audits of each line."""
        due = (self.counts.total >= self.declared) & (targets > self._exact_at)
        for row in np.flatnonzero(due).tolist():
            accepted, wrong = self.first.accepted[row], self.first.wrong[row]
            delta = float(self.delta[row])
            found = reach_declared(accepted, wrong, self.plans[row], alpha=float(targets[row]), delta=delta)
            self.best[row] = max(self.best[row], found)
        self._exact_at[due] = targets[due]

    def _candidates(self, targets: Floats) -> Ints:
        found = [self._could_reach(rows, alpha, delta) for rows, alpha, delta in self._alike(targets)]
        return np.sort(np.concatenate(found))

    def _alike(self, targets: Floats) -> Iterator[tuple[Ints, float, float]]:
        """Rows with the same target and the same delta, both rounded up: that leaves out none."""
        alphas = np.ceil(targets / self.alpha * ALPHAS - 1e-9) / ALPHAS * self.alpha
        deltas = 2.0 ** np.ceil(np.log2(self.delta))
        for alpha, delta in sorted(set(zip(alphas.tolist(), deltas.tolist(), strict=True))):
            yield np.flatnonzero((alphas == alpha) & (deltas == delta)), alpha, delta

    def _could_reach(self, rows: Ints, alpha: float, delta: float) -> Ints:
        accepted, wrong = self.counts.accepted[rows], self.counts.wrong[rows]
        most = 1 << int(accepted.max(initial=1)).bit_length()
        limits = _wrong_limits(alpha, split_delta(self.plans[0], delta)[1], most)
        passing = wrong <= limits[self._levels[rows], accepted]
        best = self.best[rows]
        kept = np.where(best < 0, 0, accepted[np.arange(len(rows)), np.maximum(best, 0)])
        looser = (passing & (accepted > kept[:, None])).any(axis=1)
        rows, accepted, passing, kept = rows[looser], accepted[looser], passing[looser], kept[looser]
        # A chain ends where a threshold fails, and begins at a start.
        steps = np.arange(STEPS)
        failed = np.maximum.accumulate(np.where(passing, -1, steps), axis=1)
        started = np.maximum.accumulate(np.where(self._starts[rows] & passing, steps, -1), axis=1)
        reached = passing & (started > failed) & (accepted > kept[:, None])
        return rows[reached.any(axis=1)]

    def _set_starts(self, row: int, plan: WalkPlan) -> None:
        shares = np.zeros(STEPS)
        for index, share in starts_of(plan.anytime):
            shares[index] += share
        self._starts[row] = shares > 0
        self._levels[row] = np.minimum(np.ceil(np.cumsum(shares) * LEVELS - 1e-9), LEVELS)


@lru_cache(maxsize=4_000)
def _wrong_limits(alpha: float, delta: float, most: int) -> Ints:
    """(LEVELS + 1, most + 1) the most errors among n audits whose evidence reaches each level; -1 if none do."""
    audits = np.arange(most + 1)
    limits = [np.full(most + 1, -1)]
    for level in range(1, LEVELS + 1):
        needed = -np.log(delta * level / LEVELS)
        low, high = np.full(most + 1, -1), audits + 1
        while (high - low > 1).any():
            middle = (low + high) // 2
            passes = statistics.compute_log_evalues(audits, np.clip(middle, 0, audits), alpha) >= needed
            passes &= middle >= 0
            moving = high - low > 1
            low, high = np.where(moving & passes, middle, low), np.where(moving & ~passes, middle, high)
        limits.append(low)
    return np.array(limits)
