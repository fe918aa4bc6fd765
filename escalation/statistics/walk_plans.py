"""Where the walks of an exact evaluation begin, and with which share of delta. Chosen before any label is seen.

Few designs are compared by how much they would automate under plausible risks: the error rate falls with the
confidence, steeply or hardly, and the target is just met by some share of the outputs. Which design is chosen depends
only on how many outputs reach each threshold, so it changes what is found and never how often it is false.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from escalation.statistics.certification import WalkStart, compute_p_values, merge_starts, walk_carrying

# Of each design: the weights of its starts, strict to loose.
_WEIGHTS: tuple[tuple[int, ...], ...] = (
    (16, 4, 1),
    (4, 2, 1),
    (1, 1, 1),
    (1, 2, 4),
    (10, 2, 2, 2, 2, 2),
    (32, 16, 8, 4, 2, 1),
    (6, 1, 1, 1, 1, 4),
    (1, 1, 1, 1, 1, 1),
)
MAX_START_SHARE = max(weights[0] / sum(weights) for weights in _WEIGHTS)
# How many times the audits that a sample without errors needs lie above the first start, and which share of all of
# them above the last one.
_FIRST_START_FACTORS = (1.2, 1.7, 2.5)
_LAST_START_SHARE, _LAST_FIRST_SHARE = 0.95, 0.9
# Plausible risks: how steeply their logit falls with that of the confidence, and the shares of outputs that just meet
# the target. Where all do, there are so many errors, relative to the target.
_SLOPES = (0.35, 0.7, 1.2)
_SHARES_MEETING_TARGET = (0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.0)
_RISK_IF_ALL_MEET = 0.6
_TRIALS, _SEED, _BISECTIONS = 30, 1, 40

type Floats = NDArray[np.float64]


def plan_starts(coverage: Floats, confidence: Floats, *, alpha: float, delta: float, audits: int) -> list[WalkStart]:
    """Starts for `walk_carrying`, with shares of delta that sum to 1.

    coverage: (J,) the share of outputs at or above each threshold, strict to loose, from outputs whose labels are not
    used. confidence: (J,) about the confidence of those that do not reach the threshold before. The same arguments
    always give the same starts.
    """
    share = np.diff(coverage, prepend=0.0)
    p, meeting = _simulate(share / share.sum(), confidence, alpha, audits)

    def expected(starts: Sequence[WalkStart]) -> float:
        reached = walk_carrying(p, [WalkStart(start.index, start.delta * delta) for start in starts])
        return float((np.where(reached >= 0, coverage[reached], 0.0) / meeting).mean())

    return max(_list_designs(coverage, alpha, delta, audits), key=expected)


def _list_designs(coverage: Floats, alpha: float, delta: float, audits: int) -> Iterator[list[WalkStart]]:
    accepted = coverage * audits
    for weights in _WEIGHTS:
        for factor in _FIRST_START_FACTORS:
            shares = np.array(weights) / sum(weights)
            fewest = math.log(delta * shares[0]) / math.log1p(-alpha)
            first = min(factor * fewest, _LAST_FIRST_SHARE * audits)
            counts = np.geomspace(first, _LAST_START_SHARE * audits, len(weights))
            yield merge_starts(
                [
                    WalkStart(int(np.argmin(np.abs(accepted - count))), float(share))
                    for count, share in zip(counts, shares, strict=True)
                ]
            )


def _simulate(share: Floats, confidence: Floats, alpha: float, audits: int) -> tuple[Floats, Floats]:
    """(trials, J) p-values under plausible risks, and the share of outputs that meets the target in each trial."""
    rng = np.random.default_rng(_SEED)
    accepted, wrong, meeting = [], [], []
    for risk, meets in _list_risks(share, confidence, alpha):
        counts = rng.multinomial(audits, share, size=_TRIALS)
        accepted.append(counts)
        wrong.append(rng.binomial(counts, risk))
        meeting.append(np.full(_TRIALS, meets))
    kept, errors = (np.cumsum(np.concatenate(part), axis=1).astype(np.int64) for part in (accepted, wrong))
    return compute_p_values(kept, errors, alpha), np.concatenate(meeting)


def _list_risks(share: Floats, confidence: Floats, alpha: float) -> Iterator[tuple[Floats, float]]:
    """Plausible risks of the outputs between two thresholds, each with the share of outputs that meets the target."""
    coverage, doubt = np.cumsum(share), -logit(np.clip(confidence, 1e-3, 1 - 1e-7))
    for slope in _SLOPES:
        for meets in _SHARES_MEETING_TARGET:
            last = min(int(np.searchsorted(coverage, meets)), len(coverage) - 1)
            errors = (alpha if meets < 1 else _RISK_IF_ALL_MEET * alpha) * coverage[last]
            low, high = -30.0, 30.0
            for _ in range(_BISECTIONS):
                level = (low + high) / 2
                risk = expit(level + slope * doubt)
                low, high = (level, high) if (share * risk)[: last + 1].sum() < errors else (low, level)
            yield expit(low + slope * doubt), meets
    yield np.full(len(share), _RISK_IF_ALL_MEET * alpha), 1.0
