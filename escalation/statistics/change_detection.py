"""Noticing that a risk has risen past a bound: a Shiryaev-Roberts e-detector over checks in the order they came in.

Shin, Ramdas and Rinaldo (arXiv 2203.03532): while the risk stays at or below alpha, the mean number of checks before a
false alarm is at least the level of the alarm, whatever the sizes of the bets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ALARM_LEVEL = 2_000.0  # checks until a false alarm, on average at least
RISK_MULTIPLES = np.array([1.5, 2, 3, 4, 6])  # what is bet on, as multiples of alpha
_MAX_RISK = 0.999  # a risk that is bet on stays a probability


@dataclass(frozen=True, slots=True)
class DetectorState:
    """Where the detector stands: its level for each bet, and how many checks the alarm took (None: there was none)."""

    levels: tuple[float, ...]
    alarm: int | None


def update_detector(
    errors: NDArray[np.bool_], *, alpha: float, levels: Sequence[float] | None = None, pi: float = 1
) -> DetectorState:
    """Take (n,) checks in, from where `levels` stand (None: the beginning); it stops at an alarm.

    M_b <- (M_b + 1)(1 + lam_b (e / pi - alpha)), lam_b = (r_b - alpha) / (alpha (1 - alpha)) for r_b = alpha x {1.5,
    2, 3, 4, 6}; alarm when the mean of M_b is 2,000. pi: the probability with which each element was checked; 1 where
    the elements are the checks themselves. Raises ValueError where alpha or pi is no probability.
    """
    if not (0 < alpha < _MAX_RISK and 0 < pi <= 1):
        raise ValueError(f"nothing to watch: {alpha} at {pi}")
    bets = (np.minimum(alpha * RISK_MULTIPLES, _MAX_RISK) - alpha) / (alpha * (1 - alpha))
    missed, found = 1 - bets * alpha, 1 + bets * (1 / pi - alpha)
    level = np.zeros(len(bets)) if levels is None else np.array(levels)
    for taken, error in enumerate(errors, start=1):
        level = (level + 1) * (found if error else missed)
        if level.mean() >= ALARM_LEVEL:
            return DetectorState(tuple(level.tolist()), taken)
    return DetectorState(tuple(level.tolist()), None)
