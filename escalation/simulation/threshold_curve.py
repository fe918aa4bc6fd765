"""What another threshold would have done, from counts: fast enough to be asked while somebody moves a slider. Pure.

A trial sends to people what a rule sent there and what has no confidence, whatever the threshold, as routing does.
Errors are those of the outputs that were drawn at random and answered without seeing the AI's answer, each weighted by
the inverse of the audit rate it was drawn at. Money leaves out what the random checks cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from escalation import statistics
from escalation.guarantees import thresholds
from escalation.policies.spec import Costs
from escalation.reports.costs import PolicyCosts

INTERVAL_DELTA = 0.05


@dataclass(frozen=True, slots=True)
class CountCell:
    """`outputs` that are alike in the rest; see `models.Count`."""

    predicted: str
    segment: Mapping[str, str | None]
    ruled: bool
    bin: int
    p: float
    settled: str
    outputs: int
    drawn: int
    judged: int
    wrong: int
    wrong_value: float = 0.0


@dataclass(frozen=True, slots=True)
class ThresholdPoint:
    """What a threshold would have done to some outputs.

    automatic: how many would have gone out unseen, of `outputs`. checked: how many of those were drawn and answered,
    `wrong` of them wrong. rate: the share of the automatic ones that is wrong, with its 95 % interval; None where none
    was checked: unknown, never 0. error_cost: what these mistakes cost, review_cost: what the people cost who look
    at the others.
    """

    threshold: float
    outputs: int
    automatic: int
    checked: int
    wrong: int
    rate: float | None
    low: float | None
    high: float | None
    error_cost: float | None
    review_cost: float

    @property
    def automation_rate(self) -> float:
        return self.automatic / self.outputs if self.outputs else 0.0

    @property
    def to_review(self) -> int:
        return self.outputs - self.automatic

    @property
    def cost(self) -> float | None:
        return None if self.error_cost is None else self.error_cost + self.review_cost


def compute_curve(cells: Sequence[CountCell], price: PolicyCosts) -> list[ThresholdPoint]:
    """A point for every threshold of the grid, loose to strict, and one that sends everything to people."""
    bins: list[list[CountCell]] = [[] for _ in thresholds.THRESHOLDS]
    for cell in cells:
        if cell.bin >= 0 and not cell.ruled:
            bins[cell.bin].append(cell)
    total, sums, points = sum(cell.outputs for cell in cells), _RunningSums(), []
    for threshold, members in zip(reversed(thresholds.THRESHOLDS), reversed(bins), strict=True):
        for cell in members:
            sums.add(cell, price.costs)
        points.append(sums.point(threshold, total, price))
    return points[::-1]


def simulate_threshold(cells: Sequence[CountCell], threshold: float, price: PolicyCosts) -> ThresholdPoint:
    """What one threshold of the grid would have done; one between two counts as the next stricter one."""
    place, sums = thresholds.find_threshold_index(threshold), _RunningSums()
    for cell in cells:
        if cell.bin >= place and not cell.ruled:
            sums.add(cell, price.costs)
    return sums.point(thresholds.THRESHOLDS[place], sum(cell.outputs for cell in cells), price)


def simulate_groups(
    cells: Iterable[CountCell], name: Callable[[CountCell], str | None], threshold: float, price: PolicyCosts
) -> list[tuple[str, ThresholdPoint]]:
    """The same for each group of the outputs, the largest first."""
    groups: dict[str, list[CountCell]] = {}
    for cell in cells:
        groups.setdefault(name(cell) or "", []).append(cell)
    points = [(label, simulate_threshold(members, threshold, price)) for label, members in groups.items()]
    return sorted(points, key=lambda pair: (-pair[1].outputs, pair[0]))


class _RunningSums:
    """Running sums over cells, and the point they make."""

    def __init__(self) -> None:
        self.automatic = self.checked = self.wrong = 0
        self.weights: list[float] = []
        self.counts: list[int] = []
        self.errors: list[float] = []
        self.weighted_cost = 0.0

    def add(self, cell: CountCell, costs: Costs) -> None:
        self.automatic += cell.outputs
        if not cell.judged:
            return
        self.checked += cell.judged
        self.wrong += cell.wrong
        self.weights.append(cell.judged / cell.p)
        self.counts.append(cell.judged)
        self.errors.append(cell.wrong / cell.judged)
        cost = cell.wrong * costs.error_cost(cell.predicted, cell.settled) + costs.value_cost(cell.wrong_value)
        self.weighted_cost += cost / cell.p

    def point(self, threshold: float, total: int, price: PolicyCosts) -> ThresholdPoint:
        rate = statistics.compute_weighted_rate(self.weights, self.errors)
        low, high = (
            (None, None)
            if rate is None
            else statistics.compute_weighted_interval(*self._weights_and_counts(), rate, INTERVAL_DELTA)
        )
        # The mean cost of a checked output's mistakes, for all that would have gone out.
        mean = self.weighted_cost / sum(self.weights) if self.checked else None
        return ThresholdPoint(
            threshold=threshold,
            outputs=total,
            automatic=self.automatic,
            checked=self.checked,
            wrong=self.wrong,
            rate=rate,
            low=low,
            high=high,
            error_cost=0.0 if not self.automatic else None if mean is None else mean * self.automatic,
            review_cost=price.costs.review * price.reviews * (total - self.automatic),
        )

    def _weights_and_counts(self) -> tuple[list[float], list[int]]:
        """What each check weighs, and how many weigh as much."""
        return [weight / count for weight, count in zip(self.weights, self.counts, strict=True)], self.counts
