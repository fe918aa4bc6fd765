"""Audits of thousands of streams at once, drawn from a population, and plans of their walks."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from benchmarks.measured.trials import Bools, Floats, Population
from benchmarks.measured.ways import DECLARED, EXACT_DELTA
from escalation.guarantees import certification, thresholds
from escalation.guarantees.certification import THRESHOLDS_STRICT_TO_LOOSE, WalkPlan

STEPS = len(THRESHOLDS_STRICT_TO_LOOSE)
PLANS = 12  # plans by different outputs without audits; the streams take turns

type Ints = NDArray[np.int64]


class Traffic:
    """A population on the grid: bins are indices of thresholds, strict to loose."""

    def __init__(self, population: Population) -> None:
        order = np.argsort(-population.scores, kind="stable")
        self.population, self.alpha = population, population.alpha
        self._risks = population.risks[order]
        found = np.searchsorted(thresholds.THRESHOLDS, population.scores[order], side="right")
        self._bins = (STEPS - found).astype(np.int64)
        outputs = np.cumsum(np.bincount(self._bins, minlength=STEPS))
        errors = np.cumsum(np.bincount(self._bins, weights=self._risks, minlength=STEPS))
        self.share: Floats = outputs / outputs[-1]
        self.risk: Floats = np.divide(errors, outputs, out=np.zeros(STEPS), where=outputs > 0)

    def draw(self, rng: np.random.Generator, rows: int, audits: int) -> tuple[Ints, Bools]:
        """(rows, audits) bins, and whether each output is wrong."""
        return self._take(rng.integers(len(self._bins), size=(rows, audits)), rng)

    def draw_alike(self, rng: np.random.Generator, hardness: Floats) -> tuple[Ints, Bools]:
        """The same for parts of documents: the harder (standard normal) the whole, the less sure the model."""
        mixed = ndtr(np.sqrt(0.5) * (hardness + rng.standard_normal(hardness.shape)))
        return self._take(np.minimum((mixed * len(self._bins)).astype(np.int64), len(self._bins) - 1), rng)

    def plans(self, rows: int, *, declared: int = DECLARED, parts: int = 1) -> list[WalkPlan]:
        """The product's plans for so many lines, by 2,000 outputs without audits each."""
        rng = np.random.default_rng(3)
        made = [self._plan(rng, declared, parts) for _ in range(min(PLANS, rows))]
        return [made[row % len(made)] for row in range(rows)]

    @cached_property
    def oracle(self) -> float:
        """The most that can be automated by one who knows the risks."""
        keeps = self.risk <= self.alpha
        return float(self.share[keeps].max(initial=0.0))

    def _take(self, picked: Ints, rng: np.random.Generator) -> tuple[Ints, Bools]:
        return self._bins[picked], rng.random(picked.shape) < self._risks[picked]

    def _plan(self, rng: np.random.Generator, declared: int, parts: int) -> WalkPlan:
        picked = rng.integers(len(self._bins), size=2_000)
        counts = np.bincount(STEPS - 1 - self._bins[picked], minlength=STEPS).tolist()
        return certification.plan_walks(
            counts, max_error=self.alpha, declared_audits=declared, declared_delta=EXACT_DELTA / parts
        )
