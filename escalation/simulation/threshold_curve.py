"""Simulates thresholds from counts, fast enough to follow a slider. Pure.

As in routing, outputs that match a rule or have no confidence are sent to review whatever the threshold. Error rates
come from audits that were answered blind, each weighted by the inverse of its audit rate. Costs do not include the
cost of audits.
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
    """Counts of `outputs` that are equal in the other fields; see `models.OutputCount`."""

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

    automatic: how many of `outputs` would have been automated. checked: how many of those are answered audits, `wrong`
    of them wrong. rate: the error rate of the automated ones with its 95 % interval (`low`, `high`); None without
    audits, because it is then unknown and not 0. error_cost: the estimated cost of their errors, None if unknown.
    review_cost: the cost of reviewing the others.
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
    """A point for every threshold of the grid, loose to strict."""
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
    """What one threshold would have done. A threshold between two of the grid counts as the next stricter one."""
    index, sums = thresholds.find_threshold_index(threshold), _RunningSums()
    for cell in cells:
        if cell.bin >= index and not cell.ruled:
            sums.add(cell, price.costs)
    return sums.point(thresholds.THRESHOLDS[index], sum(cell.outputs for cell in cells), price)


def simulate_groups(
    cells: Iterable[CountCell], name: Callable[[CountCell], str | None], threshold: float, price: PolicyCosts
) -> list[tuple[str, ThresholdPoint]]:
    """`simulate_threshold` for each group of the outputs, largest first. `name` gives the group of a cell."""
    groups: dict[str, list[CountCell]] = {}
    for cell in cells:
        groups.setdefault(name(cell) or "", []).append(cell)
    points = [(label, simulate_threshold(members, threshold, price)) for label, members in groups.items()]
    return sorted(points, key=lambda pair: (-pair[1].outputs, pair[0]))


class _RunningSums:
    """Running sums over cells, and the point computed from them."""

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
        # The weighted mean error cost per audited output, applied to all automated outputs.
        # Which parts of an answer were wrong is not counted, so where errors are priced by that it is unknown.
        known = bool(self.checked) and not price.by_part
        mean = self.weighted_cost / sum(self.weights) if known else None
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
        """The weight of a single audit, and the number of audits with it, per cell."""
        return [weight / count for weight, count in zip(self.weights, self.counts, strict=True)], self.counts
