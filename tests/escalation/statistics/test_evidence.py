"""Evidence at any time: its values, its starts, and how rarely it is false however often one looks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import bdtr

from escalation import statistics
from escalation.guarantees import certification, thresholds


@pytest.mark.parametrize(("n", "k", "alpha"), [(0, 0, 0.02), (100, 0, 0.02), (500, 7, 0.05), (20_000, 450, 0.02)])
def test_evidence_at_each_threshold_equals_that_of_the_confidence_sequence(n: int, k: int, alpha: float) -> None:
    (found,) = statistics.compute_log_evalues(np.array([n]), np.array([k]), alpha)
    assert found == pytest.approx(statistics.compute_log_evalue(n, [k], [1.0], alpha), abs=1e-9)


def test_evidence_grows_with_the_error_target() -> None:
    """So that a target may be lowered by what is learned meanwhile of the reviewers."""
    accepted, wrong = np.array([50, 400, 5_000]), np.array([0, 6, 90])
    found = [statistics.compute_log_evalues(accepted, wrong, alpha) for alpha in np.linspace(0.005, 0.2, 40)]
    assert (np.diff(found, axis=0) >= 0).all()


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_the_fewest_labels_are_the_fewest(alpha: float) -> None:
    least = statistics.compute_min_anytime_labels(alpha, 0.01)
    reached = statistics.compute_log_evalues(np.array([least - 1, least]), np.zeros(2, np.int64), alpha)
    assert reached[0] < -math.log(0.01) <= reached[1]


def test_the_shares_of_all_starts_sum_to_one_whatever_the_confidences() -> None:
    rng = np.random.default_rng(1)
    for scores in (rng.random(5000), np.full(5000, 0.97), 1 - rng.random(5000) ** 6, rng.random(3)):
        bins = np.searchsorted(thresholds.THRESHOLDS, scores, side="right") - 1
        counts = np.bincount(bins, minlength=len(thresholds.THRESHOLDS)).tolist()
        walks = certification.plan_walks(counts, max_error=0.02, declared_audits=700, declared_delta=0.03)
        for way in (walks.declared, walks.anytime):
            assert sum(share for _, share in way) == pytest.approx(1)
            assert {start for start, _ in way} <= set(thresholds.THRESHOLDS)


def test_a_look_every_15_audits_is_false_no_more_often_than_stated() -> None:
    """At the very edge of the target, where any certified threshold is false."""
    rng, alpha, delta, trials, audits = np.random.default_rng(5), 0.05, 0.05, 200, 1500
    walks = certification.plan_walks(
        [0] * len(thresholds.THRESHOLDS), max_error=alpha, declared_audits=400, declared_delta=0.03
    )
    broken = 0
    for _ in range(trials):
        scores, wrong = 1 - rng.random(audits) ** 3, rng.random(audits) < alpha + 1e-4
        broken += _ever_certifies(scores, wrong, walks, alpha, delta, every=15)
    assert bdtr(broken, trials, delta) <= 0.999, f"{broken} of {trials} at 5 %"


def _plan_default_walks(max_error: float) -> certification.WalkPlan:
    none = [0] * len(thresholds.THRESHOLDS)
    return certification.plan_walks(none, max_error=max_error, declared_audits=400, declared_delta=0.03)


def _ever_certifies(
    scores: NDArray[np.float64],
    wrong: NDArray[np.bool_],
    walks: certification.WalkPlan,
    alpha: float,
    delta: float,
    *,
    every: int,
) -> bool:
    exact = delta * statistics.DECLARED_SHARE
    if certification.certify_declared(scores[:400], wrong[:400], walks, alpha=alpha, delta=exact) is not None:
        return True
    return any(
        certification.certify_anytime(scores[:seen], wrong[:seen], walks, alpha=alpha, delta=delta - exact) is not None
        for seen in range(every, len(scores) + 1, every)
    )


def test_little_risk_is_certified_early_and_much_never() -> None:
    rng = np.random.default_rng(2)
    scores = 1 - rng.random(1000) ** 3
    walks = certification.plan_walks(
        [0] * len(thresholds.THRESHOLDS), max_error=0.05, declared_audits=400, declared_delta=0.03
    )
    good = certification.certify_anytime(scores, rng.random(1000) < 0.005, walks, alpha=0.05, delta=0.02)
    assert good
    assert good.wrong / good.accepted < 0.05
    assert certification.certify_anytime(scores, rng.random(1000) < 0.2, walks, alpha=0.05, delta=0.02) is None
