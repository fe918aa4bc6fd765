"""Walks that carry their delta on, and the designs of their starts: never falser than stated, and worth their delta."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import bdtr, bdtrc

from escalation import statistics
from escalation.guarantees import certification, thresholds
from escalation.statistics import WalkStart

STARTS = [WalkStart(0, 0.02), WalkStart(4, 0.01), WalkStart(12, 0.02)]


def test_a_walk_that_comes_to_another_start_goes_on_with_both_shares() -> None:
    starts = [WalkStart(0, 0.01), WalkStart(2, 0.01)]
    p = np.array(
        [
            [0.01, 0.01, 0.02, 0.02, 0.021],
            [0.01, 0.011, 0.01, 0.01, 0.02],  # the first share is lost at the second threshold
            [0.011, 0.0, 0.011, 0.0, 0.0],
        ]
    )
    assert statistics.walk_carrying(p, starts).tolist() == [3, 3, -1]


@pytest.mark.parametrize("true_until", [0, 4, 8])
def test_carried_shares_are_false_no_more_often_than_they_sum_to(true_until: int) -> None:
    """Where everything before is certified, the whole delta stands at the first threshold with too many errors."""
    rng, trials = np.random.default_rng(3), 20_000
    p = np.where(np.arange(16) < true_until, 0.0, rng.random((trials, 16)))
    false = int((statistics.walk_carrying(p, STARTS) >= true_until).sum())
    assert bdtrc(false - 1, trials, 0.05) >= 0.001, f"{false} of {trials} at 5 %"
    assert bdtr(false, trials, 0.04) >= 0.001, "it uses what it may"


def test_carried_shares_never_reach_less_than_separate_walks() -> None:
    p = np.random.default_rng(4).random((500, 16)) ** 6
    carried = statistics.walk_carrying(p, STARTS)
    separate = [statistics.walk_grid(row, STARTS) for row in p]
    assert all(found >= (-1 if before is None else before) for found, before in zip(carried, separate, strict=True))
    assert any(found > (-1 if before is None else before) for found, before in zip(carried, separate, strict=True))


def test_planned_starts_automate_more_than_equal_ones() -> None:
    """On confidences that mean what they say, from 600 audits each."""
    rng, trials, audits, alpha, delta = np.random.default_rng(5), 200, 600, 0.05, 0.02
    grid = certification.THRESHOLDS_STRICT_TO_LOOSE
    coverage = np.cbrt(1 - grid)
    counts = np.round(np.diff(coverage * 100_000, prepend=0)[::-1]).astype(int).tolist()
    plan = certification.plan_walks(counts, max_error=alpha, declared_audits=audits, declared_delta=delta)
    equal = statistics.choose_cold_starts(np.round(coverage * audits).astype(int), alpha=alpha, delta=delta, n=audits)
    planned, before = [], []
    for _ in range(trials):
        scores = 1 - rng.random(audits) ** 3
        wrong = rng.random(audits) < 1 - scores
        found = certification.certify_declared(scores, wrong, plan, alpha=alpha, delta=delta)
        former = statistics.certify_threshold(scores, wrong, grid, equal, alpha=alpha, delta=delta)
        planned.append(np.cbrt(1 - found.threshold) if found else 0.0)
        before.append(np.cbrt(1 - former.threshold) if former else 0.0)
    assert np.mean(planned) > np.mean(before) + 0.01


def test_a_plan_depends_on_nothing_but_its_arguments() -> None:
    counts = np.random.default_rng(6).integers(50, size=len(thresholds.THRESHOLDS)).tolist()
    plans = [
        certification.plan_walks(counts, max_error=0.02, declared_audits=700, declared_delta=0.02) for _ in range(2)
    ]
    assert plans[0] == plans[1]
