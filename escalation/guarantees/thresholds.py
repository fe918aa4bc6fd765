"""The grid of thresholds that are evaluated, counted and offered. It never changes, so it cannot depend on labels.

Round numbers, closer together where confidences are dense: roughly even steps of the logit, up to one in a million
below certainty. Later releases may only add stricter values: stored bins are indices into it.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left


def _steps(first: int, last: int, step: int, scale: int) -> list[float]:
    return [number / scale for number in range(first, last, step)]


THRESHOLDS: tuple[float, ...] = (
    *_steps(0, 50, 5, 100),
    *_steps(50, 90, 2, 100),
    *_steps(900, 990, 5, 1000),
    *_steps(990, 999, 1, 1000),
    *_steps(9990, 9999, 1, 10_000),
    *_steps(99_990, 99_999, 1, 100_000),
    *_steps(999_990, 1_000_000, 1, 1_000_000),
)
GRID_HASH = hashlib.sha256(json.dumps(THRESHOLDS).encode()).hexdigest()


def find_threshold_index(threshold: float) -> int:
    """The index of the loosest grid threshold that is not below this one; the strictest if there is none."""
    return min(bisect_left(THRESHOLDS, threshold), len(THRESHOLDS) - 1)
