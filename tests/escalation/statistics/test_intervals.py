"""Rates and their intervals, against golden values and their error probability."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import bdtr

from escalation import statistics

GOLDEN: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "golden.json").read_text(encoding="ascii")
)


@pytest.mark.parametrize("case", GOLDEN["cp_upper"])
def test_the_upper_bound_matches_its_golden_value(case: dict[str, Any]) -> None:
    bound = statistics.compute_upper_bound(case["k"], case["n"], case["delta"])
    assert bound == pytest.approx(case["U"], abs=1e-9)


def test_the_two_sided_interval_spends_half_of_delta_on_either_side() -> None:
    low, high = statistics.compute_clopper_pearson(29, 2310, 0.05)
    assert high == pytest.approx(statistics.compute_upper_bound(29, 2310, 0.025), abs=1e-12)
    # At the lower end, seeing 29 or more has probability exactly delta / 2.
    assert 1 - bdtr(28, 2310, low) == pytest.approx(0.025, abs=1e-9)


def test_intervals_without_errors_or_of_only_errors_reach_the_limits() -> None:
    assert statistics.compute_clopper_pearson(0, 149, 0.1)[0] == 0.0
    assert statistics.compute_clopper_pearson(5, 5, 0.05)[1] == 1.0


def test_an_empty_sample_gives_the_whole_interval() -> None:
    assert statistics.compute_clopper_pearson(0, 0, 0.05) == (0.0, 1.0)


@pytest.mark.parametrize(("n", "risk"), [(60, 0.02), (200, 0.05), (1000, 0.01)])
def test_the_interval_misses_the_truth_at_most_at_rate_delta(n: int, risk: float) -> None:
    counts = np.arange(n + 1)
    probability = np.diff(bdtr(counts, n, risk), prepend=0.0)
    missed = [
        not low <= risk <= high for low, high in (statistics.compute_clopper_pearson(int(k), n, 0.05) for k in counts)
    ]
    assert probability[missed].sum() <= 0.05


@pytest.mark.parametrize(("k", "n", "delta"), [(3, 2, 0.05), (-1, 2, 0.05), (1, 2, 0.0), (1, 2, 1.0)])
def test_invalid_proportions_are_rejected(k: int, n: int, delta: float) -> None:
    with pytest.raises(ValueError, match="expected 0 <= k <= n"):
        statistics.compute_clopper_pearson(k, n, delta)


def test_the_weighted_rate_weighs_audits_by_inverse_probability() -> None:
    # One error among 10 audits at 1 in 10, none among 30 at 1 in 2: they stand for 10 wrong of 160.
    weights = [10.0] * 10 + [2.0] * 30
    errors = [1.0] + [0.0] * 39
    assert statistics.compute_weighted_rate(weights, errors) == pytest.approx(10 / 160, abs=1e-12)


def test_a_rate_without_audits_is_unknown() -> None:
    assert statistics.compute_weighted_rate([], []) is None
