"""Calibration: by hand on a few, and by what it should find out on many."""

from __future__ import annotations

import numpy as np
import pytest

from escalation import statistics


def test_the_brier_score_is_the_mean_squared_difference() -> None:
    scores, right = np.array([1.0, 0.5, 0.0]), np.array([True, True, True])
    assert statistics.compute_brier_score(scores, right) == pytest.approx((0 + 0.25 + 1) / 3)


def test_the_diagram_has_the_bins_with_outputs_and_their_exact_intervals() -> None:
    scores, right = np.array([0.05, 0.95, 0.95, 1.0]), np.array([False, True, False, True])
    low, high = statistics.compute_reliability_bins(scores, right, bins=10)
    assert (low.n, low.mean_confidence, low.accuracy) == (1, 0.05, 0.0)
    assert (high.low, high.high, high.n) == (0.9, 1.0, 3)
    assert high.accuracy == pytest.approx(2 / 3)
    assert high.interval == statistics.compute_clopper_pearson(2, 3, 0.05)


def test_the_expected_error_weighs_each_bin_by_its_outputs() -> None:
    scores, right = np.array([0.9, 0.9, 0.1, 0.1]), np.array([True, False, False, False])
    assert statistics.compute_calibration_error(scores, right, bins=2) == pytest.approx((2 * 0.4 + 2 * 0.1) / 4)


def test_isotonic_pools_what_violates_the_order_and_is_a_step_function() -> None:
    scores = np.array([0.1, 0.2, 0.3, 0.4])
    fitted = statistics.fit_isotonic(scores, np.array([False, True, False, True]))
    assert fitted(scores).tolist() == [0.0, 0.5, 0.5, 1.0]
    assert fitted(np.array([0.0, 0.25, 0.99])).tolist() == [0.0, 0.5, 1.0]


def test_isotonic_gives_equal_scores_one_value() -> None:
    fitted = statistics.fit_isotonic(np.array([0.5, 0.5, 0.5]), np.array([True, False, False]))
    assert fitted(np.array([0.5])) == pytest.approx([1 / 3])


def test_platt_finds_the_curve_that_the_outcomes_were_drawn_from() -> None:
    rng = np.random.default_rng(5)
    scores = rng.uniform(0.05, 0.95, 40_000)
    true = statistics.PlattScaling(slope=0.6, intercept=-0.3)
    fitted = statistics.fit_platt(scores, rng.random(40_000) < true(scores))
    assert fitted.slope == pytest.approx(0.6, abs=0.05)
    assert fitted.intercept == pytest.approx(-0.3, abs=0.05)


@pytest.mark.parametrize("right", [[True] * 6, [False] * 6, [False, False, False, True, True, True]])
def test_platt_survives_samples_that_one_score_splits(right: list[bool]) -> None:
    scores = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    fitted = statistics.fit_platt(scores, np.array(right))
    assert np.isfinite([fitted.slope, fitted.intercept]).all()
    assert ((fitted(scores) > 0) & (fitted(scores) < 1)).all()


def test_both_make_an_overconfident_model_honest() -> None:
    rng = np.random.default_rng(9)
    scores = rng.uniform(0.5, 1.0, 4000)
    right = rng.random(4000) < scores - 0.3
    before = statistics.compute_calibration_error(scores, right)
    for fitted in (statistics.fit_isotonic(scores, right), statistics.fit_platt(scores, right)):
        assert statistics.compute_calibration_error(fitted(scores), right) < before / 4
