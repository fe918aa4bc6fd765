"""How often the promise is broken, when it is made many times: beside ways of choosing a threshold that many use.

Each trial is a stream of its own: outputs with a confidence and a truth, routed by the product's own decision on
permanent random numbers, sampled and certified by its own functions. A promise is broken when the threshold that was
certified lets more go wrong than was promised, measured on the whole population that the trial was drawn from.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables import show
from config.demo import samples
from escalation import estimators, routing
from escalation.policy import Audit, Policy
from escalation.tuning import attempts, certifying, grid

DELTA = 0.05
CATCH = 0.8  # how many of the AI's mistakes the imperfect reviewers find
TESTS = 200  # known answers that measure it
POLICY = Policy(threshold=0.9, audit=Audit(rate=0.3, mode="after"))

type Floats = NDArray[np.float64]
type Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Population:
    """Confidences and how likely each is wrong (0 or 1 where the truth is known), and the promise made about them."""

    name: str
    scores: Floats
    risks: Floats
    outputs: int  # of each trial
    alpha: float

    def risk_from(self, threshold: float) -> float:
        accepted = self.scores >= threshold
        return float(self.risks[accepted].mean()) if accepted.any() else 0.0

    def share_from(self, threshold: float) -> float:
        return float((self.scores >= threshold).mean())


@dataclass(frozen=True)
class Trial:
    """What one stream brought: its scores, those drawn by chance, and what people said of those."""

    scores: Floats
    drawn: Bools
    said_wrong: Bools
    caught: int  # of TESTS test items


# A way of choosing a threshold from a trial; None where it does not dare.
type Way = Callable[[Trial, float], float | None]


def populations() -> Iterator[Population]:
    digits = samples.digits()
    confidence = np.array([sample.confidence for sample in digits])
    wrong = np.array([sample.prediction != sample.truth for sample in digits], float)
    yield Population("digits", confidence, wrong, 3000, 0.02)
    rng = np.random.default_rng(1)
    scores = 1 - rng.random(200_000) ** 3
    yield Population("synthetic, honest", scores, 1 - scores, 4000, 0.05)
    yield Population("synthetic, overconfident", scores, np.minimum(1, 2 * (1 - scores) + 0.01), 4000, 0.05)
    yield Population("synthetic, useless", scores, np.full(len(scores), 0.055), 4000, 0.05)


def trials(population: Population, count: int, *, catch: float) -> Iterator[Trial]:
    rng = np.random.default_rng(2)
    secret = rng.bytes(32)
    for number in range(count):
        picked = rng.integers(len(population.scores), size=population.outputs)
        scores = population.scores[picked]
        wrong = rng.random(len(picked)) < population.risks[picked]
        u = np.array([routing.draw(secret, f"trial-{number}", str(at)) for at in range(len(picked))])
        routes = routing.decide(POLICY, _columns(scores), u=u, p=POLICY.audit.rate or 0.0)
        drawn = u < (POLICY.audit.rate or 0.0)
        assert bool(routes.review[drawn].all())
        found = wrong & (rng.random(len(picked)) < catch)
        yield Trial(scores, drawn, found, caught=int(rng.binomial(TESTS, catch)))


def certified(trial: Trial, alpha: float) -> float | None:
    """The product's way, believing that reviewers miss nothing."""
    return _certified(trial, alpha, estimators.attempt_delta(DELTA, 1))


def corrected(trial: Trial, alpha: float) -> float | None:
    """The product's way once test items have measured what reviewers miss."""
    spends = estimators.attempt_delta(DELTA, 1)
    low = estimators.lower_bound(trial.caught, TESTS, spends * attempts.SHARE_OF_CATCHING)
    return _certified(trial, alpha * low, spends * (1 - attempts.SHARE_OF_CATCHING))


def trusting(trial: Trial, alpha: float) -> float | None:
    """Takes the confidence at its word: the loosest threshold above which the mean doubt is small enough."""
    return _loosest(lambda accepted: float((1 - trial.scores[accepted]).mean()) <= alpha, trial)


def unchecked_as_right(trial: Trial, alpha: float) -> float | None:
    """Counts what nobody looked at as right: mistakes that people reported over everything that went out."""
    reported = trial.said_wrong & trial.drawn
    return _loosest(lambda accepted: float(reported[accepted].mean()) <= alpha, trial)


def point_estimate(trial: Trial, alpha: float) -> float | None:
    """Believes the error rate in the sample, without asking how sure that is."""
    return _loosest(
        lambda accepted: (
            bool((accepted & trial.drawn).any()) and float(trial.said_wrong[accepted & trial.drawn].mean()) <= alpha
        ),
        trial,
    )


WAYS: dict[str, Way] = {
    "certified": certified,
    "certified, misses measured": corrected,
    "trusting the confidence": trusting,
    "unchecked counts as right": unchecked_as_right,
    "the sample's error rate": point_estimate,
}


def measure(count: int) -> None:
    for catch, who in ((1.0, "reviewers who miss nothing"), (CATCH, f"reviewers who find {CATCH:.0%} of the mistakes")):
        rows = []
        for population in populations():
            broken, shares = dict.fromkeys(WAYS, 0), dict.fromkeys(WAYS, 0.0)
            for trial in trials(population, count, catch=catch):
                for name, way in WAYS.items():
                    threshold = way(trial, population.alpha)
                    if threshold is not None:
                        broken[name] += population.risk_from(threshold) > population.alpha
                        shares[name] += population.share_from(threshold)
            rows += [
                [
                    f"{population.name}, at most {population.alpha:.0%} wrong: {name}",
                    f"{broken[name] / count:.1%}",
                    f"{shares[name] / count:.1%}",
                ]
                for name in WAYS
            ]
        show(f"{count} streams each, {who}", ["population and way", "promise broken", "handled automatically"], rows)
    print(f"\nPromised: broken at most {DELTA:.0%} of the time.")


def _certified(trial: Trial, alpha: float, delta: float) -> float | None:
    scores, wrong = trial.scores[trial.drawn], trial.said_wrong[trial.drawn]
    if len(scores) < estimators.n_min(alpha, delta / estimators.COLD_STARTS):
        return None
    begin = certifying.starts(scores, alpha=alpha, delta=delta, deployed=POLICY.threshold)
    found = certifying.certify(scores, wrong, begin, alpha=alpha, delta=delta)
    return None if found is None else found.threshold


def _loosest(keeps: Callable[[Bools], bool], trial: Trial) -> float | None:
    for threshold in grid.THRESHOLDS:
        accepted = trial.scores >= threshold
        if not accepted.any() or keeps(accepted):
            return threshold if accepted.any() else None
    return None


def _columns(scores: Floats) -> routing.Outputs:
    nothing: list[dict[str, str]] = [{}] * len(scores)
    return routing.Outputs(scores, [""] * len(scores), np.full(len(scores), np.nan), nothing, [""] * len(scores))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="200 streams each")
    parser.add_argument("--trials", type=int, default=5000)
    arguments = parser.parse_args()
    measure(200 if arguments.quick else arguments.trials)


if __name__ == "__main__":
    main()
