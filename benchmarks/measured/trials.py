"""Streams of their own, thousands of them: outputs with a confidence and a truth, and what reviewers say of some.

Each is routed by the product's own decision on permanent random numbers; so are the same outputs where they are posted
to the product as the stream of that name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.demo import samples
from escalation.policies.spec import AuditSettings, PolicySpec
from escalation.routing import decide

RATE = 0.3
POLICY = PolicySpec(threshold=0.9, audit=AuditSettings(rate=RATE, mode="after"))
TESTS = 200  # test items that measure the errors reviewers miss

type Floats = NDArray[np.float64]
type Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Population:
    """Confidences, the probability that each is wrong (0 or 1 where the truth is known), and the error target."""

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
    """The data of one stream: its scores, which outputs were drawn for audit, and the verdicts on those.

    Outputs are identified by their index. The draws depend on `secret`.
    """

    slug: str
    secret: bytes
    scores: Floats
    drawn: Bools
    said_wrong: Bools
    caught: int  # of TESTS test items


def populations() -> Iterator[Population]:
    digits = samples.load_digits()
    confidence = np.array([sample.confidence for sample in digits])
    wrong = np.array([sample.prediction != sample.truth for sample in digits], float)
    yield Population("digits", confidence, wrong, 3000, 0.02)
    rng = np.random.default_rng(1)
    scores = 1 - rng.random(200_000) ** 3
    yield Population("synthetic, honest", scores, 1 - scores, 4000, 0.05)
    yield Population("synthetic, overconfident", scores, np.minimum(1, 2 * (1 - scores) + 0.01), 4000, 0.05)
    yield Population("synthetic, useless", scores, np.full(len(scores), 0.055), 4000, 0.05)
    # The hardest case: whatever is certified violates the guarantee, and nothing that violates it is easier to certify.
    yield Population("synthetic, useless, at the edge", scores, np.full(len(scores), 0.0501), 4000, 0.05)


def trials(population: Population, count: int, *, catch: float) -> Iterator[Trial]:
    """So many streams, the same in every run; `catch`: the share of the AI's mistakes that reviewers find."""
    rng = np.random.default_rng(2)
    secret = rng.bytes(32)
    for number in range(count):
        picked = rng.integers(len(population.scores), size=population.outputs)
        scores, slug = population.scores[picked], f"trial-{number}"
        wrong = rng.random(len(picked)) < population.risks[picked]
        u = np.array([decide.draw_permanent_number(secret, slug, str(at)) for at in range(len(picked))])
        drawn = u < RATE
        assert bool(decide.decide_routes(POLICY, _columns(scores), u=u, p=RATE).review[drawn].all())
        found = wrong & (rng.random(len(picked)) < catch)
        yield Trial(slug, secret, scores, drawn, found, caught=int(rng.binomial(TESTS, catch)))


def _columns(scores: Floats) -> decide.OutputColumns:
    nothing: list[dict[str, str]] = [{}] * len(scores)
    return decide.OutputColumns(scores, [""] * len(scores), np.full(len(scores), np.nan), nothing, [""] * len(scores))
