"""How often a guarantee is broken over thousands of streams, whatever people do, and how much it automates.

A guarantee is broken when a threshold that was ever certified has more errors than the error target, measured on the
whole population the stream was drawn from. The streams are computed by the product's functions; a few go through the
whole product on real tables, and must give the same thresholds, audits and errors.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator, Mapping

import numpy as np

from benchmarks.measured import product, scenarios, stored, ways
from benchmarks.measured.scenarios import Result, Scenario, edge, known
from benchmarks.measured.trials import populations, trials
from benchmarks.measured.ways import DELTA
from benchmarks.tables import milliseconds, show
from escalation.guarantees import certification, thresholds

HEADER = [
    "scenario",
    "streams",
    "broken",
    "at most",
    "automated",
    "by an oracle",
    "former method",
    "broken by it",
    "sample's rate: broken",
]
LONG, TIMED = 20_000, 20


def list_scenarios(audits: int) -> Mapping[str, Scenario]:
    """By the names that `--only` takes; `audits`: of the longest streams."""
    honest, edges = known("synthetic, honest"), edge()
    mixed = [known(f"synthetic, {name}", 0.05) for name in ("honest", "overconfident", "useless")]
    return {
        "labels": _one_after_another(
            scenarios.single("labels: digits, 2 %", known("digits"), 2_000),
            scenarios.single("labels: honest confidence, 5 %", honest, 2_000),
            scenarios.single("labels: overconfident, 5 %", known("synthetic, overconfident"), 2_000),
            scenarios.single("labels: useless confidence", known("synthetic, useless"), 2_000),
        ),
        "looks": scenarios.single(
            f"errors at the edge, a look every 25 of {audits:,} audits", edges, audits, peek=True
        ),
        "label_sets": _one_after_another(
            scenarios.label_sets("label sets: 4 labels", honest, (1.0, 0.6, 0.3, 0.1), 2_000),
            scenarios.label_sets("label sets: one of 4 at the edge", edges, (1.0, 0.1, 0.1, 0.1), 2_000),
        ),
        "fields": _one_after_another(
            scenarios.groups("10 fields of a document", [*mixed, honest, honest] * 2, 2_000, alike=True),
            scenarios.groups("10 fields, all at the edge", [edges] * 10, 2_000, alike=True),
        ),
        "groups": _one_after_another(
            scenarios.groups("6 classes, 2 of which appear later", [*mixed, *mixed], 2_000, late=2),
            scenarios.groups("6 segments at the edge, 3 appear later", [edges] * 6, 2_000, late=3),
        ),
        "shadow": scenarios.shadow,
        "versions": scenarios.version_changes,
        "rules": scenarios.rule_choices,
        "rates": scenarios.rate_choices,
        "missed": _one_after_another(
            scenarios.missed_errors("reviewers find 80 %, at the edge", edges, scenarios.CATCH),
            scenarios.missed_errors("reviewers find 80 %, honest confidence", honest, scenarios.CATCH),
            scenarios.missed_errors("reviewers find all, honest confidence", honest, 1.0),
        ),
        "unjudgeable": scenarios.unjudgeable,
        "copies": scenarios.copies,
    }


def _one_after_another(*parts: Scenario) -> Scenario:
    return lambda rng, streams: [result for part in parts for result in part(rng, streams)]


def most_broken(streams: int) -> float:
    """Delta plus three standard errors of so many streams: 5.9 % of 5,000."""
    return DELTA + 3 * math.sqrt(DELTA * (1 - DELTA) / streams)


def measure(wanted: Mapping[str, Scenario], streams: int) -> list[str]:
    """Print a table of the scenarios; returns what is wrong."""
    rows, wrong = [], []
    for name, scenario in wanted.items():
        began = time.perf_counter()
        for result in scenario(np.random.default_rng(5), streams):
            rows.append(_as_row(result))
            if result.broken.mean() > most_broken(streams):
                wrong.append(f"{result.name}: broken too often.")
            if not result.complete:
                wrong.append(f"{result.name}: a certificate was overlooked.")
        print(f"{name}: {time.perf_counter() - began:.0f} s", flush=True)
    show("Guarantees broken, and outputs automated", HEADER, rows)
    return wrong


def _as_row(result: Result) -> list[str]:
    streams = len(result.broken)
    shares = [
        result.broken.mean(),
        most_broken(streams),
        result.automated.mean(),
        result.oracle,
        result.former_automated.mean(),
        result.former_broken.mean(),
        result.naive_broken.mean(),
    ]
    return [result.name, f"{streams:,}", *(f"{share:.1%}" for share in shares)]


def measure_stored(count: int, *, quick: bool) -> list[str]:
    """Put so many streams of each population through the whole product; returns those that came out differently."""
    wrong, rows = [], []
    with stored.looks() as looks:
        for population in list(populations())[: 1 if quick else 2]:
            for catch in (1.0,) if quick else (1.0, scenarios.CATCH):
                drawn = list(trials(population, count, catch=catch))
                found = list(looks.at(drawn, population.alpha))
                expected = [ways.corrected(trial, population.alpha) for trial in drawn]
                differing = [
                    trial.slug for trial, one, other in zip(drawn, found, expected, strict=True) if one != other
                ]
                wrong += [f"{population.name}, {slug}: stored and computed results differ." for slug in differing]
                certified = sum(one is not None for one in found)
                name = f"{population.name}, reviewers find {catch:.0%}"
                rows.append([name, str(count), str(certified), str(count - len(differing))])
    show("Through the whole product", ["streams", "streams posted", "certified", "same as computed"], rows)
    return wrong


def measure_times() -> None:
    rows = [
        [f"{LONG:,} audits, {len(thresholds.THRESHOLDS)} thresholds, both ways", milliseconds(min(_time_evaluations()))]
    ]
    show("An evaluation, from confidences and errors", ["evaluation", "best of 20"], rows)


def _time_evaluations() -> Iterator[float]:
    rng, traffic = np.random.default_rng(1), known("synthetic, honest")
    scores = rng.choice(traffic.population.scores, LONG)
    wrong = rng.random(LONG) < 1 - scores
    (plan,) = traffic.plans(1)
    for _ in range(TIMED):
        began = time.perf_counter()
        certification.certify_anytime(scores, wrong, plan, alpha=0.05, delta=0.01)
        certification.certify_declared(scores, wrong, plan, alpha=0.05, delta=0.01)
        yield time.perf_counter() - began


def main() -> None:
    names = ", ".join(list_scenarios(LONG))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20 short streams of each, and 1 stored")
    parser.add_argument("--trials", type=int, help="streams of each scenario (5000)")
    parser.add_argument("--stored", type=int, help="streams of each population that go through the product (40)")
    parser.add_argument("--only", nargs="+", metavar="SCENARIO", default=[], help=f"any of {names}; nothing stored")
    arguments = parser.parse_args()
    known_scenarios = list_scenarios(1_000 if arguments.quick else LONG)
    if unknown := set(arguments.only) - known_scenarios.keys():
        parser.error(f"unknown scenario {min(unknown)!r}; choose from {names}")
    wanted = {name: one for name, one in known_scenarios.items() if name in (arguments.only or known_scenarios)}
    wrong = measure(wanted, arguments.trials or (20 if arguments.quick else 5_000))
    if not arguments.only:
        measure_times()
        product.prepare()
        wrong += measure_stored(arguments.stored or (1 if arguments.quick else 40), quick=arguments.quick)
    print(
        "\n".join(wrong)
        or f"\nNo scenario breaks a guarantee more often than {DELTA:.0%}, within three standard errors."
    )
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
