"""Promises: against golden values, against exact enumeration, and against what they promise when it is tried often."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import bdtr

from escalation import estimators
from escalation.estimators import Start

GOLDEN: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / "golden.json").read_text("ascii"))


@pytest.mark.parametrize("case", GOLDEN["n_min"])
def test_the_fewest_checks_match_their_golden_value(case: dict[str, Any]) -> None:
    n = estimators.n_min(case["alpha"], case["delta"])
    assert n == case["n"]
    assert (1 - case["alpha"]) ** n <= case["delta"] < (1 - case["alpha"]) ** (n - 1)


@pytest.mark.parametrize("case", GOLDEN["binom_p"])
def test_the_p_value_matches_its_golden_value(case: dict[str, Any]) -> None:
    (p,) = estimators.p_values(np.array([case["n"]]), np.array([case["k"]]), case["alpha"])
    assert p == pytest.approx(case["p"], abs=1e-9)


@pytest.mark.parametrize("case", GOLDEN["fixed_sequence"])
def test_the_walk_matches_its_golden_value(case: dict[str, Any]) -> None:
    accepted, wrong = np.array(case["accepted"]), np.array(case["errors"])
    starts = estimators.cold_starts(accepted, alpha=case["alpha"], delta=case["delta"], n=int(accepted[-1]))
    assert [start.index for start in starts] == case["starts"]
    assert all(start.delta == pytest.approx(case["delta_each"], abs=1e-9) for start in starts)
    index = estimators.walk(estimators.p_values(accepted, wrong, case["alpha"]), starts)
    assert index == case["certified_index"]
    bound = estimators.upper_bound(int(wrong[index]), int(accepted[index]), case["delta"])
    assert bound == pytest.approx(case["U"], abs=1e-9)


def test_counts_include_the_outputs_that_are_exactly_at_a_threshold() -> None:
    scores, errors = np.array([0.9, 0.5, 0.7, 0.7]), np.array([False, True, True, False])
    accepted, wrong = estimators.counts(scores, errors, np.array([1.0, 0.9, 0.7, 0.6, 0.0]))
    assert accepted.tolist() == [0, 1, 3, 3, 4]
    assert wrong.tolist() == [0, 0, 1, 1, 2]


def test_a_walk_stops_at_its_first_failure_and_the_loosest_walk_counts() -> None:
    p = [0.001, 0.5, 0.001, 0.001, 0.9, 0.001]
    assert estimators.walk(p, [Start(0, 0.01)]) == 0
    assert estimators.walk(p, [Start(0, 0.01), Start(2, 0.01)]) == 3
    assert estimators.walk(p, [Start(1, 0.01)]) is None
    assert estimators.walk(p, [Start(5, 0.01)]) == 5


def test_starts_on_one_threshold_are_one_start_with_all_of_their_shares() -> None:
    starts = estimators.running_starts(np.array([300, 310]), deployed=0, alpha=0.02, delta=0.05, n=310)
    assert sum(start.delta for start in starts) == pytest.approx(0.05)
    assert len({start.index for start in starts}) == len(starts)


@pytest.mark.parametrize("change", ["spend more than delta", "strict to loose", "no target"])
def test_what_would_break_the_promise_is_refused(change: str) -> None:
    scores, errors, grid = np.array([0.9]), np.array([False]), np.array([0.9, 0.5])
    starts, alpha = [Start(0, 0.05)], 0.02
    if change == "spend more than delta":
        starts = [Start(0, 0.05), Start(1, 0.01)]
    elif change == "strict to loose":
        grid = grid[::-1].copy()
    else:
        alpha = 0.0
    with pytest.raises(ValueError, match=change):
        estimators.certify(scores, errors, grid, starts, alpha=alpha, delta=0.05)


@pytest.mark.parametrize("risk", [0.021, 0.03])
def test_a_promise_is_broken_no_more_often_than_stated(risk: float) -> None:
    """Errors everywhere as likely, a little above the target: every threshold that is certified is a broken promise."""
    rng = np.random.default_rng(7)
    grid = np.linspace(0.99, 0.0, 50)
    trials, broken = 2000, 0
    for _ in range(trials):
        scores = rng.random(1500)
        errors = rng.random(1500) < risk
        accepted, _ = estimators.counts(scores, errors, grid)
        starts = estimators.cold_starts(accepted, alpha=0.02, delta=0.05, n=1500)
        broken += estimators.certify(scores, errors, grid, starts, alpha=0.02, delta=0.05) is not None
    assert bdtr(broken, trials, 0.05) <= 0.999, f"{broken} of {trials} at 5 %"


def test_what_is_certified_carries_the_counts_that_reproduce_its_bound() -> None:
    rng = np.random.default_rng(3)
    scores = rng.random(2000)
    errors = rng.random(2000) < 0.2 * (1 - scores) ** 2
    grid = np.quantile(rng.random(5000), np.linspace(1, 0, 100))
    accepted, _ = estimators.counts(scores, errors, grid)
    starts = estimators.cold_starts(accepted, alpha=0.02, delta=0.05, n=2000)
    found = estimators.certify(scores, errors, grid, starts, alpha=0.02, delta=0.05)
    assert found
    assert found.accepted == int((scores >= found.threshold).sum())
    assert found.wrong == int(errors[scores >= found.threshold].sum())
    assert found.bound == estimators.upper_bound(found.wrong, found.accepted, 0.05)
    assert found.wrong / found.accepted < 0.02


def test_the_price_of_attempts_sums_to_delta() -> None:
    spent = [estimators.attempt_delta(0.05, attempt) for attempt in range(1, 20_000)]
    assert spent[0] == pytest.approx(0.05 * 6 / np.pi**2)
    assert 0.0499 < sum(spent) < 0.05
    with pytest.raises(ValueError, match="count from 1"):
        estimators.attempt_delta(0.05, 0)


@pytest.mark.parametrize(
    ("alpha", "risk", "needed"), [(0.05, 0.0, 59), (0.05, 0.0125, 153), (0.02, 0.0, 149), (0.01, 0.0, 299)]
)
def test_what_it_would_take_is_known(alpha: float, risk: float, needed: int) -> None:
    assert estimators.labels_needed(risk, alpha=alpha, delta=0.05) == needed


@pytest.mark.parametrize("risk", [0.005, 0.01])
def test_from_the_number_needed_on_the_power_holds(risk: float) -> None:
    needed = estimators.labels_needed(risk, alpha=0.02, delta=0.05)
    assert needed
    assert _power(needed - 1, risk) < 0.8
    assert all(_power(n, risk) >= 0.8 for n in range(needed, needed + 400))


def test_a_risk_at_the_target_or_beyond_can_never_be_shown() -> None:
    assert estimators.labels_needed(0.02, alpha=0.02, delta=0.05) is None
    assert estimators.labels_needed(0.0199, alpha=0.02, delta=0.05, most=10_000) is None


def _power(n: int, risk: float) -> float:
    allowed = -1
    while bdtr(allowed + 1, n, 0.02) <= 0.05:
        allowed += 1
    return float(bdtr(allowed, n, risk)) if allowed >= 0 else 0.0
