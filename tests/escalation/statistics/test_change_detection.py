"""The change detector: exact on a few audits, with rare false alarms, and quick when the risk has risen."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import bdtr

from escalation import statistics


def _errors(risk: float, n: int, seed: int) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).random(n) < risk


def test_the_first_audits_match_a_hand_computation() -> None:
    # At alpha .02, the bet on .03: a right audit multiplies by 1 - .02 lam, a wrong one by 1 + .98 lam.
    lam = 0.01 / (0.02 * 0.98)
    right, wrong = 1 - 0.02 * lam, 1 + 0.98 * lam
    found = statistics.update_detector(np.array([False, True]), alpha=0.02)
    assert found.alarm is None
    assert found.levels[0] == pytest.approx((right + 1) * wrong, abs=1e-12)


def test_the_detector_continues_from_its_saved_levels() -> None:
    errors = _errors(0.04, 400, seed=1)
    whole = statistics.update_detector(errors, alpha=0.02)
    half = statistics.update_detector(errors[:150], alpha=0.02)
    rest = statistics.update_detector(errors[150:], alpha=0.02, levels=half.levels)
    assert rest.levels == pytest.approx(whole.levels)


@pytest.mark.scale
def test_false_alarms_are_rare_while_the_risk_is_at_the_bound() -> None:
    """The mean is at least 2,000; cutting each run off at 20,000 can only make it smaller."""
    runs = [statistics.update_detector(_errors(0.02, 20_000, seed), alpha=0.02).alarm or 20_000 for seed in range(120)]
    assert np.mean(runs) >= 2_000


@pytest.mark.parametrize(("times", "most"), [(2, 900), (4, 250), (10, 100)])
def test_a_risen_risk_is_detected_soon(times: int, most: int) -> None:
    calm = statistics.update_detector(_errors(0.01, 500, seed=7), alpha=0.02)
    assert calm.alarm is None
    alarms = [
        statistics.update_detector(_errors(0.02 * times, 20_000, seed), alpha=0.02, levels=calm.levels).alarm
        for seed in range(40)
    ]
    assert np.median([alarm or 20_000 for alarm in alarms]) <= most


def test_errors_weigh_by_the_inverse_of_the_audit_probability() -> None:
    lam = 0.01 / (0.02 * 0.98)
    found = statistics.update_detector(np.array([True]), alpha=0.02, pi=0.1)
    assert found.levels[0] == pytest.approx(1 + lam * (10 - 0.02), abs=1e-12)


def test_the_detector_accepts_a_bound_near_one() -> None:
    found = statistics.update_detector(_errors(0.5, 200, seed=3), alpha=0.6)
    assert min(found.levels) >= 0


@pytest.mark.parametrize(("alpha", "pi"), [(0, 1), (1, 1), (0.02, 0), (0.02, 1.5)])
def test_invalid_detector_probabilities_are_rejected(alpha: float, pi: float) -> None:
    with pytest.raises(ValueError, match="alpha must be between 0 and"):
        statistics.update_detector(np.array([True]), alpha=alpha, pi=pi)


@pytest.mark.parametrize(("alpha", "times"), [(0.05, 2), (0.02, 3)])
def test_the_stated_delay_is_that_of_simulated_audits(alpha: float, times: float) -> None:
    """A hundred runs of the detector itself, with other seeds: their mean is within a quarter."""
    alarms = [
        statistics.update_detector(_errors(alpha * times, 5_000, seed), alpha=alpha).alarm or 5_000
        for seed in range(100, 200)
    ]
    stated = statistics.estimate_detection_delay(alpha, risk=alpha * times)
    assert stated == pytest.approx(np.mean(alarms), rel=0.25)


def test_a_delay_shrinks_with_the_rise_and_is_unknown_without_one() -> None:
    delays = [statistics.estimate_detection_delay(0.05, risk=risk) or 0.0 for risk in (0.075, 0.1, 0.15, 0.5)]
    assert delays == sorted(delays, reverse=True)
    assert statistics.estimate_detection_delay(0.05, risk=0.05) is None


def test_few_audits_raise_a_false_alarm_as_rarely_as_stated() -> None:
    """At the very edge of the target: in 400 audits with a probability of at most 400 / 2,000."""
    false = [statistics.update_detector(_errors(0.05, 400, seed), alpha=0.05).alarm is not None for seed in range(300)]
    assert bdtr(sum(false), len(false), 400 / statistics.ALARM_LEVEL) <= 0.999
