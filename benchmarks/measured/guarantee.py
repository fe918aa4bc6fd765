"""How often a guarantee is violated over many streams, compared with common ways of choosing a threshold.

A guarantee is violated when the certified threshold has more errors than the error target, measured on the whole
population the stream was drawn from. Thousands of streams are computed by the product's functions; the first of them
go through the whole product on real tables, and must give the same thresholds, audits and errors.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.measured import product, stored, ways
from benchmarks.measured.stored import Looks
from benchmarks.measured.trials import Population, Trial, populations, trials
from benchmarks.measured.ways import CERTIFIED, CORRECTED, DELTA, LINE_DELTA, PEEKING, WAYS, Found
from benchmarks.tables import show

CATCH = 0.8  # how many of the AI's mistakes the imperfect reviewers find
SPENT = LINE_DELTA  # how often anything may be certified falsely in a stream, however often one looks


@dataclass(frozen=True, slots=True)
class Reviewers:
    """A kind of reviewers, and the share of the model's errors they find (`catch`).

    keep: the methods that meet the guarantee with them. way, look: which of these runs through the whole product.
    """

    name: str
    catch: float
    keep: Sequence[str]
    way: str
    look: Callable[[Trial, float], Found | None]


REVIEWERS = (
    Reviewers("Reviewers who miss nothing", 1.0, (CERTIFIED, CORRECTED, PEEKING), CERTIFIED, ways.certified),
    Reviewers(f"Reviewers who find {CATCH:.0%} of the mistakes", CATCH, (CORRECTED,), CORRECTED, ways.corrected),
)


@dataclass(slots=True)
class Line:
    """The results of one method in the streams of one population; `keeps`: the guarantee must hold."""

    population: Population
    way: str
    keeps: bool
    streams: int = 0
    broken: int = 0
    shares: float = 0.0

    def add(self, threshold: float | None) -> None:
        self.streams += 1
        if threshold is not None:
            self.broken += self.population.risk_from(threshold) > self.population.alpha
            self.shares += self.population.share_from(threshold)

    @property
    def name(self) -> str:
        return f"{self.population.name}, at most {self.population.alpha:.0%} wrong: {self.way}"

    @property
    def most(self) -> float:
        """The allowed rate of violations plus three standard errors for this number of streams."""
        return SPENT + 3 * math.sqrt(SPENT * (1 - SPENT) / self.streams)

    @property
    def fails(self) -> bool:
        return self.keeps and self.broken / self.streams > self.most

    @property
    def row(self) -> list[str]:
        return [
            self.name,
            f"{self.streams:,}",
            f"{self.broken / self.streams:.1%}",
            f"{self.most:.1%}" if self.keeps else "",
            f"{self.shares / self.streams:.1%}",
        ]


def measure(kinds: Sequence[Population], computed: int, through_product: int) -> list[str]:
    """Print a table for each kind of reviewers; returns the violated expectations."""
    wrong = []
    with stored.looks() as looks:
        for reviewers in REVIEWERS:
            lines = []
            for population in kinds:
                line, differing = _stored(population, through_product, reviewers, looks)
                lines += [*_computed(population, computed, reviewers), line]
                wrong += [f"{line.name}: {name} came to something else than computed." for name in differing]
            header = ["population and way", "streams", "promise broken", "at most", "handled automatically"]
            show(reviewers.name, header, [line.row for line in lines])
            wrong += [f"{reviewers.name}, {line.name}: broken too often." for line in lines if line.fails]
    return wrong


def _computed(population: Population, count: int, reviewers: Reviewers) -> list[Line]:
    """A row for each method, by the product's functions only."""
    lines = [Line(population, way, way in reviewers.keep) for way in WAYS]
    for trial in trials(population, count, catch=reviewers.catch):
        for line in lines:
            line.add(WAYS[line.way](trial, population.alpha))
    return lines


def _stored(population: Population, count: int, reviewers: Reviewers, looks: Looks) -> tuple[Line, list[str]]:
    """A row for the whole product, and the streams in which its result differs from the computed one."""
    line, differing = Line(population, f"{reviewers.way}, stored", keeps=True), []
    drawn = list(trials(population, count, catch=reviewers.catch))
    looked = looks.at(drawn, population.alpha, measured=reviewers.way == CORRECTED)
    for trial, found in zip(drawn, looked, strict=True):
        line.add(found and found.threshold)
        if found != reviewers.look(trial, population.alpha):
            differing.append(trial.slug)
    return line, differing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 streams of one population, and 1 of them stored")
    parser.add_argument("--trials", type=int, help="streams of each population (5000)")
    parser.add_argument("--stored", type=int, help="how many of these go through the whole product (40)")
    arguments = parser.parse_args()
    computed, through_product = (2, 1) if arguments.quick else (5000, 40)
    product.prepare()
    kinds = list(itertools.islice(populations(), 1 if arguments.quick else None))
    wrong = measure(kinds, arguments.trials or computed, arguments.stored or through_product)
    print(
        f"\nGuarantee: all lines of evidence of a population are wrong at most {DELTA:.0%} of the time, and the first,"
    )
    print(f"the only one here, at most {SPENT:.1%}; `at most` adds three standard errors for this number of streams.")
    print("\n".join(wrong) or "Stored and computed results agree: same thresholds, audits and errors.")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
