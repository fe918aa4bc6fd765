"""Comparison with another implementation of the same paper: MAPIE's Learn then Test."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from mapie.risk_control import BinaryClassificationController, _base_controller
from mapie.risk_control.fwer_control import FWERFixedSequenceTesting, control_fwer
from mapie.risk_control.methods import compute_hoeffding_bentkus_p_value
from numpy.typing import NDArray

from escalation import statistics
from escalation.statistics import WalkStart

pytestmark = pytest.mark.scale  # thousands of trials, and libraries that take seconds to import
ALPHAS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35)
SEEDS = range(30)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_p_value_matches_the_binomial_part_of_hoeffding_bentkus(alpha: float) -> None:
    """Every count of errors, below and above alpha, in samples of several sizes."""
    pairs = [(n, k) for n in (*range(1, 60), 149, 150, 299, 1000, 5003) for k in range(n + 1)]
    n, k = np.array(pairs).T
    theirs = compute_hoeffding_bentkus_p_value(_rates(k, n), n, alpha, binary=True)[:, 0]
    assert statistics.compute_p_values(n, k, alpha) == pytest.approx(theirs, rel=1e-9, abs=1e-300)


def test_the_hoeffding_p_value_is_never_the_smaller_one() -> None:
    """P(Bin(n, alpha) <= k) <= exp(-n KL(k / n, alpha)), Chernoff's bound: of errors that are only right or wrong, the
    smaller of the two is always the binomial, so nothing is lost by having no other."""
    for alpha in ALPHAS:
        n, k = np.array([(n, k) for n in range(1, 400, 7) for k in range(n) if k / n < alpha]).T
        rate = k / n
        with np.errstate(divide="ignore", invalid="ignore"):
            kl = np.where(k > 0, rate * np.log(rate / alpha), 0.0) + (1 - rate) * np.log((1 - rate) / (1 - alpha))
        assert (statistics.compute_p_values(n, k, alpha) <= np.exp(-n * kl) * (1 + 1e-9)).all()


@pytest.mark.parametrize("n_starts", [1, 3])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_walk_matches_fixed_sequence_testing(n_starts: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for size, delta in itertools.product((3, 4, 10, 41), (0.05, 0.1, 0.3)):
        # Passing and failing runs, and a value exactly equal to the share of a start.
        p = np.where(rng.random(size) < rng.random(), delta / n_starts * rng.random(size), rng.random(size))
        p[rng.integers(size)] = delta / n_starts
        starts = [WalkStart(at * (size // n_starts), delta / n_starts) for at in range(n_starts)]
        rejected = control_fwer(p, delta, FWERFixedSequenceTesting(n_starts=n_starts))
        assert statistics.walk_grid(p, starts) == (rejected.max() if len(rejected) else None)


# Expected warnings of MAPIE: about risks that do not rise at every step, and about all or none being valid.
@pytest.mark.filterwarnings(
    "ignore:Fixed sequence testing requires a monotonic risk:UserWarning",
    "ignore:All provided predict_params control the risk:UserWarning",
    "ignore:No predict parameters were found to control the risk:UserWarning",
)
def test_the_certified_threshold_is_the_loosest_valid_one_of_mapie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_base_controller, "compute_hoeffding_bentkus_p_value", _without_an_error_too_many)
    reached = set()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        alpha, delta = float(rng.choice([0.05, 0.1, 0.2])), float(rng.choice([0.05, 0.1]))
        scores = rng.random(int(rng.integers(400, 1200)))
        errors = rng.random(len(scores)) < rng.uniform(0.1, 0.9) * (1 - scores) ** 2
        # The strictest threshold has just enough labels to be certified, or slightly too few: both occur.
        strictest = 1 - rng.uniform(0.8, 2) * statistics.compute_min_labels(alpha, delta) / len(scores)
        grid = np.linspace(strictest, 0.0, 30)
        found = statistics.certify_threshold(scores, errors, grid, [WalkStart(0, delta)], alpha=alpha, delta=delta)
        theirs = _loosest_of_mapie(scores, ~errors, grid, alpha=alpha, delta=delta)
        assert (found.threshold if found else None) == theirs, seed
        reached.add("none" if found is None else "all" if found.index == len(grid) - 1 else "some")
    assert reached == {"none", "some", "all"}


def _rates(wrong: NDArray[np.int64], of: NDArray[np.int64]) -> NDArray[np.float64]:
    """wrong / of, minus a little: MAPIE computes ceil(n * rate) errors, and 25 * (7 / 25) is above 7 in floats."""
    return np.where(wrong > 0, np.nextafter(wrong / of, 0.0), 0.0)


def _without_an_error_too_many(
    rate: NDArray[np.float64], n: NDArray[np.float64], alpha: NDArray[np.float64], binary: bool
) -> NDArray[np.float64]:
    """MAPIE's p-values from counts: its controller passes 1 - precision, and ceil turns the rounding into an error."""
    p: NDArray[np.float64] = compute_hoeffding_bentkus_p_value(
        _rates(np.rint(n * rate).astype(np.int64), n.astype(np.int64)), n, alpha, binary
    )
    return p


def _loosest_of_mapie(
    scores: NDArray[np.float64], right: NDArray[np.bool_], grid: NDArray[np.float64], *, alpha: float, delta: float
) -> float | None:
    accepted, wrong = statistics.count_accepted(scores, ~right, grid)
    # MAPIE takes the end with the smaller sample risk for the strict one; only chance could confuse the two.
    assert wrong[0] / accepted[0] <= wrong[-1] / accepted[-1]
    controller = BinaryClassificationController(
        predict_function=lambda x: np.column_stack([1 - x, x]),
        risk="precision",
        target_level=1 - alpha,
        confidence_level=1 - delta,
        list_predict_params=grid,
        fwer_method="fixed_sequence",
    ).calibrate(scores, right)
    return float(controller.valid_predict_params.min()) if len(controller.valid_predict_params) else None
