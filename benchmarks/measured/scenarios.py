"""Ways in which a guarantee could come to be false, each over thousands of streams.

Each scenario has streams in which errors are just above the target, where every certificate is false, or an attack on
what a guarantee rests on. Beside the product stand the former method (`former`), used as people could use it, and
taking the sample's error rate for the true one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

import numpy as np

from benchmarks.measured import former
from benchmarks.measured.many_lines import Counts, Ints, Lines
from benchmarks.measured.traffic import Traffic
from benchmarks.measured.trials import TESTS, Bools, Floats, Population, populations
from benchmarks.measured.ways import DECLARED, LINE_DELTA
from escalation.guarantees import lines
from escalation.test_items import recall

EVERY = 25  # audits between looks
TOTAL = LINE_DELTA * lines.THRESHOLDS_DELTA_SHARE  # of the thresholds of a first line
RECALL_DELTA = LINE_DELTA * lines.RECALL_DELTA_SHARE
CHECKED = 40  # rows that are evaluated at random at the end
CATCH, UNJUDGEABLE, SEGMENTS, DROPPED, RATES = 0.8, 0.5, 20, 6, 25


@dataclass(frozen=True, slots=True)
class Result:
    """What became of the streams of a scenario: whether (S,) each was ever broken, and how much was automated.

    complete: whether no certificate was overlooked in rows evaluated at random.
    """

    name: str
    broken: Bools
    automated: Floats
    oracle: float
    former_broken: Bools
    former_automated: Floats
    naive_broken: Bools
    complete: bool = True


class Judge:
    """Whether certified thresholds of (R,) rows are broken, and how much they automate, by the true risks."""

    def __init__(self, rows: Sequence[Traffic], alpha: float) -> None:
        self._risk, self._share = np.array([row.risk for row in rows]), np.array([row.share for row in rows])
        self._rows, self._alpha = np.arange(len(rows)), alpha
        self.ever = np.full(len(rows), False)

    def breaks(self, best: Ints) -> Bools:
        return (best >= 0) & (self._risk[self._rows, best] > self._alpha)

    def mark(self, best: Ints) -> None:
        self.ever |= self.breaks(best)

    def automates(self, best: Ints) -> Floats:
        return np.where(best < 0, 0.0, self._share[self._rows, best])


type Scenario = Callable[[np.random.Generator, int], list[Result]]


@lru_cache
def known(name: str, alpha: float | None = None) -> Traffic:
    population = next(one for one in populations() if one.name == name)
    return Traffic(population if alpha is None else replace(population, alpha=alpha))


def edge(risk: float = 0.0501) -> Traffic:
    """Errors just above 5 % at every threshold."""
    scores = known("synthetic, honest").population.scores
    return Traffic(Population("edge", scores, np.full(len(scores), risk), 0, 0.05))


def single(name: str, traffic: Traffic, audits: int, *, peek: bool = False) -> Scenario:
    """One group, a look after every 25 audits. peek: the former evaluation was taken at the first that passes."""

    def run(rng: np.random.Generator, streams: int) -> list[Result]:
        judge = Judge([traffic] * streams, traffic.alpha)
        found = Lines(traffic.plans(streams), alpha=traffic.alpha, delta=np.full(streams, TOTAL), declared=DECLARED)
        before, peeking = np.full(streams, -1), former.Peeking(streams, traffic.alpha)
        moments = [audits // 4, audits // 2, audits]
        for seen in range(EVERY, audits + 1, EVERY):
            found.add(*traffic.draw(rng, streams, EVERY))
            found.look()
            judge.mark(found.best)
            if peek:
                peeking.look(found.counts)
            elif seen in moments:
                number = moments.index(seen) + 1
                before = np.maximum(before, former.evaluate_all(found.counts, alpha=traffic.alpha, number=number))
        return [_result(name, judge, found, peeking.best if peek else before, found.counts, traffic.oracle, rng)]

    return run


def groups(name: str, parts: Sequence[Traffic], audits: int, *, late: int = 0, alike: bool = False) -> Scenario:
    """A guarantee per group. late: groups that join later. alike: parts of the same documents, such as fields."""

    def run(rng: np.random.Generator, streams: int) -> list[Result]:
        alpha, count = parts[0].alpha, len(parts)
        shares = [lines.FIRST_SHARE / (count - late)] * (count - late)
        shares += [lines.share_of_delta(position, lines.FIRST_SHARE) for position in range(1, late + 1)]
        rows = [part for part in parts for _ in range(streams)]
        plans = [plan for part in parts for plan in part.plans(streams, parts=count)]
        judge = Judge(rows, alpha)
        found = Lines(plans, alpha=alpha, delta=TOTAL * np.repeat(shares, streams), declared=DECLARED)
        step = 4 * EVERY
        for _ in range(step, audits + 1, step):
            hardness = np.repeat(rng.standard_normal((1, streams, step)), count, axis=0)
            drawn = [
                part.draw_alike(rng, hardness[at]) if alike else part.draw(rng, streams, step)
                for at, part in enumerate(parts)
            ]
            found.add(np.concatenate([bins for bins, _ in drawn]), np.concatenate([wrong for _, wrong in drawn]))
            found.look()
            judge.mark(found.best)
        before = former.evaluate_all(found.counts, alpha=alpha, parts=count)
        oracle = float(np.mean([part.oracle for part in parts]))
        return [_result(name, judge, found, before, found.counts, oracle, rng, parts=count)]

    return run


def label_sets(name: str, traffic: Traffic, weights: Sequence[float], audits: int) -> Scenario:
    """Sets of labels, each guaranteed: a label is wrong `weights` times as often as an answer of `traffic`."""

    def run(rng: np.random.Generator, streams: int) -> list[Result]:
        judge = Judge([traffic] * streams, traffic.alpha)
        plans, delta = traffic.plans(streams), np.full(streams, TOTAL)
        found = Lines(plans, alpha=traffic.alpha, delta=delta, declared=DECLARED)
        labels = [Lines(plans, alpha=traffic.alpha, delta=delta, declared=DECLARED) for _ in weights]
        for _ in range(EVERY, audits + 1, EVERY):
            bins, wrong = traffic.draw(rng, streams, EVERY)
            for label, weight in zip(labels, weights, strict=True):
                label.add(bins, wrong & (rng.random(wrong.shape) < weight))
            found.take_worst(labels)
            found.look()
            judge.mark(found.best)
        each = [former.evaluate_all(one.counts, alpha=traffic.alpha, parts=len(weights)) for one in labels]
        before: Ints = np.min(each, axis=0)
        return [_result(name, judge, found, before, labels[0].counts, traffic.oracle, rng)]

    return run


def shadow(rng: np.random.Generator, streams: int) -> list[Result]:
    """Half of the audits come from shadow traffic without errors; the former method counted them."""
    traffic = edge()
    judge, found, mixed = _begin(traffic, streams), _lines(traffic, streams), Counts(streams)
    for _ in range(0, 3_000, EVERY):
        bins, wrong = traffic.draw(rng, streams, EVERY)
        live = rng.random(bins.shape) < 0.5
        found.add(bins, wrong, live)
        mixed.add(bins, wrong & live)
        found.look()
        judge.mark(found.best)
    return [
        _result("shadow traffic without errors", judge, found, former.evaluate_all(mixed, alpha=0.05), mixed, 0.0, rng)
    ]


def version_changes(rng: np.random.Generator, streams: int) -> list[Result]:
    """After 1,500 audits of a good version, one with more errors; the former and naive ways pool both."""
    good, bad = known("synthetic, honest"), edge()
    pooled, judges, results = Counts(streams), [_begin(good, streams), _begin(bad, streams)], []
    for traffic, judge, audits in ((good, judges[0], 1_500), (bad, judges[1], 1_000)):
        found = _lines(traffic, streams)
        for _ in range(0, audits, EVERY):
            drawn = traffic.draw(rng, streams, EVERY)
            found.add(*drawn)
            pooled.add(*drawn)
            found.look()
            judge.mark(found.best)
        before = former.evaluate_all(pooled, alpha=0.05)
        results.append(
            _result("version 1" if traffic is good else "version 2", judge, found, before, pooled, traffic.oracle, rng)
        )
    return [replace(one, name=f"version change, guarantees of {one.name}") for one in results]


def rule_choices(rng: np.random.Generator, streams: int) -> list[Result]:
    """The worst 6 of 20 meaningless segments go to people after labels were seen, again and again.

    Each change begins a new line, with what is left of delta. The former method filtered past audits.
    """
    traffic = edge()
    judge, found = _begin(traffic, streams), _lines(traffic, streams)
    number, kept_bins, kept_wrong = np.ones(streams), [], []
    for seen in range(EVERY, 10_000 + 1, EVERY):
        bins, wrong = traffic.draw(rng, streams, EVERY)
        found.add(bins, wrong)
        found.look()
        judge.mark(found.best)
        if seen <= DECLARED:
            kept_bins.append(bins)
            kept_wrong.append(wrong)
        # A line goes on as long as it looks better than most.
        hopeless = (found.counts.total >= 400) & (found.counts.wrong[:, -1] > 0.045 * found.counts.total)
        rows = np.flatnonzero(hopeless)
        shares = [lines.share_of_delta(int(number[row]), lines.FIRST_SHARE) for row in rows]
        found.restart(rows, np.array(shares) * TOTAL / lines.FIRST_SHARE)
        number[rows] += 1
    filtered = _without_worst_segments(rng, np.hstack(kept_bins), np.hstack(kept_wrong))
    before = former.evaluate_all(filtered, alpha=0.05)
    return [_result("rules chosen after the labels", judge, found, before, filtered, 0.0, rng)]


def _without_worst_segments(rng: np.random.Generator, bins: Ints, wrong: Bools) -> Counts:
    segment = rng.integers(SEGMENTS, size=bins.shape)
    rates = np.stack([(wrong & (segment == one)).sum(1) / np.maximum((segment == one).sum(1), 1) for one in range(20)])
    worst = np.argsort(-rates, axis=0)[:DROPPED]
    kept = (segment[None] != worst[:, :, None]).all(axis=0)
    counts = Counts(len(bins))
    counts.add(bins, wrong, kept)
    return counts


def rate_choices(rng: np.random.Generator, streams: int) -> list[Result]:
    """The best of 25 audit rates is chosen after the labels were seen.

    A rate only changes how many audits come before the next look, so the adversary lowers it where the evidence is
    good and raises it where it is not. The former method counted past audits at the new rate.
    """
    traffic = edge()
    judge, found = _begin(traffic, streams), _lines(traffic, streams)
    drawn, lowest = [], np.linspace(0.3, 1.0, RATES)
    for _ in range(0, 4_000, EVERY):
        bins, wrong = traffic.draw(rng, streams, EVERY)
        promising = found.counts.wrong[:, -1] <= 0.04 * found.counts.total
        found.add(bins, wrong, rng.random(bins.shape) < np.where(promising, 0.2, 1.0)[:, None])
        found.look()
        judge.mark(found.best)
        drawn.append((bins, wrong, rng.random(bins.shape)))
    first = drawn[: DECLARED // EVERY]
    bins, wrong = np.hstack([one for one, _, _ in first]), np.hstack([one for _, one, _ in first])
    u = np.hstack([one for _, _, one in first])
    before, last = np.full(streams, -1), Counts(streams)
    for rate in lowest:
        last = Counts(streams)
        last.add(bins, wrong, u < rate)
        before = np.maximum(before, former.evaluate_all(last, alpha=0.05))
    return [_result("audit rates chosen after the labels", judge, found, before, last, 0.0, rng)]


def missed_errors(name: str, traffic: Traffic, catch: float) -> Scenario:
    """Reviewers find a share `catch` of the errors, measured by a test item after every tenth audit, up to 200."""

    def run(rng: np.random.Generator, streams: int) -> list[Result]:
        judge, found = _begin(traffic, streams), _lines(traffic, streams)
        shown, caught = 0, np.zeros(streams, np.int64)
        for seen in range(EVERY, 4_000 + 1, EVERY):
            bins, wrong = traffic.draw(rng, streams, EVERY)
            found.add(bins, wrong & (rng.random(wrong.shape) < catch))
            more = min(TESTS, seen // 10) - shown
            shown, caught = shown + more, caught + rng.binomial(more, catch, streams)
            if shown >= recall.MIN_SETTLED_TEST_ITEMS:
                found.look(_lower_targets(traffic.alpha, shown, caught))
                judge.mark(found.best)
        before = former.evaluate_all(found.counts, alpha=traffic.alpha)
        targets = _lower_targets(traffic.alpha, TESTS, caught)
        return [_result(name, judge, found, before, found.counts, traffic.oracle, rng, targets=targets)]

    return run


def _lower_targets(alpha: float, shown: int, caught: Ints) -> Floats:
    counts, at = np.unique(caught, return_inverse=True)
    return np.maximum(alpha * np.array([_recall_bound(shown, int(count)) for count in counts])[at], 1e-9)


@cache
def _recall_bound(shown: int, caught: int) -> float:
    return recall.bound_recall(shown, caught, delta=RECALL_DELTA).low


def unjudgeable(rng: np.random.Generator, streams: int) -> list[Result]:
    """3 % errors at a target of 2 %, half of them unjudgeable; the former method left these out."""
    traffic = replace_risk(0.03, 0.02)
    judge, found, judged = _begin(traffic, streams), _lines(traffic, streams), Counts(streams)
    for _ in range(0, 5_000, EVERY):
        bins, wrong = traffic.draw(rng, streams, EVERY)
        found.add(bins, wrong)
        found.look()
        judge.mark(found.best)
        judged.add(bins, wrong, ~(wrong & (rng.random(wrong.shape) < UNJUDGEABLE)))
    before = former.evaluate_all(judged, alpha=0.02)
    return [_result("3 % wrong for 2 %, half unjudgeable", judge, found, before, judged, 0.0, rng)]


def replace_risk(risk: float, alpha: float) -> Traffic:
    return Traffic(replace(edge(risk).population, alpha=alpha))


def copies(rng: np.random.Generator, streams: int) -> list[Result]:
    """Each input comes in pairs, fives or tens of one group; the former method counted each copy."""
    results = []
    for size, name in ((2, "pairs"), (5, "fives"), (10, "tens")):
        traffic = edge()
        judge, found, every = _begin(traffic, streams), _lines(traffic, streams), Counts(streams)
        for _ in range(0, 2_000, EVERY):
            bins, wrong = traffic.draw(rng, streams, EVERY)
            found.add(bins, wrong)
            found.look()
            judge.mark(found.best)
            for _ in range(size):
                every.add(bins, wrong)
        before = former.evaluate_all(every, alpha=0.05)
        results.append(_result(f"copies in {name}", judge, found, before, every, 0.0, rng))
    return results


def _begin(traffic: Traffic, streams: int) -> Judge:
    return Judge([traffic] * streams, traffic.alpha)


def _lines(traffic: Traffic, streams: int) -> Lines:
    return Lines(traffic.plans(streams), alpha=traffic.alpha, delta=np.full(streams, TOTAL), declared=DECLARED)


def _result(
    name: str,
    judge: Judge,
    found: Lines,
    before: Ints,
    sample: Counts,
    oracle: float,
    rng: np.random.Generator,
    *,
    parts: int = 1,
    targets: Floats | None = None,
) -> Result:
    """Rows of one stream are `streams` apart."""

    def by_stream(rows: Bools) -> Bools:
        return rows.reshape(parts, -1).any(axis=0)

    naive = judge.breaks(former.take_rate(sample, found.alpha))
    return Result(
        name,
        by_stream(judge.ever),
        judge.automates(found.best).reshape(parts, -1).mean(axis=0),
        oracle,
        by_stream(judge.breaks(before)),
        judge.automates(before).reshape(parts, -1).mean(axis=0),
        by_stream(naive),
        complete=found.check(rng, CHECKED, targets),
    )
