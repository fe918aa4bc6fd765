"""What a stream's policy page shows: where thresholds could be, what each would have done, and how honest the AI is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from django.db.models import Sum

from escalation import estimators, policies
from escalation.estimators import Bin
from escalation.models import Outcome, Policy, Stream
from escalation.money import Price
from escalation.policy import Policy as Spec
from escalation.tuning import counts, grid, lines, simulation
from escalation.tuning.lines import Line
from escalation.tuning.simulation import Cell, Point
from reviewqueue import clock

DAYS = 28
MOST_DAYS = 366
# Where the confidences of the diagram are cut: tenths, and finer where most of them are.
_CUTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Traffic:
    """The outputs of some days that trials are made on: one model version, one set of answers, nothing shadowed."""

    line: Line
    since: date
    until: date
    cells: Sequence[Cell]
    points: Sequence[Point]  # one for every threshold of the grid
    price: Price
    seconds_per_review: float | None

    @property
    def outputs(self) -> int:
        return sum(cell.outputs for cell in self.cells)

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1


@dataclass(frozen=True, slots=True)
class Trial:
    """What a threshold would have done: to all, to each class and each value of each declared segment key."""

    point: Point
    hours: float | None
    classes: list[tuple[str, Point]]
    segments: dict[str, list[tuple[str, Point]]]


def traffic(stream: Stream, *, days: int = DAYS, now: datetime | None = None) -> Traffic | None:
    """The last days' traffic as it was counted; None before the first output."""
    line = lines.of(stream)
    if line is None:
        return None
    current = policies.active(stream)
    until = clock.day(clock.current(now))
    since = until - timedelta(days=min(max(days, 1), MOST_DAYS) - 1)
    state = counts.state(stream=stream, since=since, until=until)
    return _counted(stream.pk, line, since, until, current.policy_id if current else None, state)


# While somebody moves the slider, the same rows are asked for again and again: each process reads them once.
@lru_cache(maxsize=4)
def _counted(stream_id: int, line: Line, since: date, until: date, policy_id: int | None, _state: str) -> Traffic:
    price = Price.of(policies.spec_of(Policy.objects.get(pk=policy_id)) if policy_id else Spec())
    cells = counts.cells(stream_id=stream_id, line=line, since=since, until=until)
    timed = Outcome.objects.filter(stream_id=stream_id, active_seconds__isnull=False)
    attention = timed.aggregate(seconds=Sum("active_seconds"), reviews=Sum("reviews"))
    return Traffic(
        line=line,
        since=since,
        until=until,
        cells=cells,
        points=simulation.curve(cells, price),
        price=price,
        seconds_per_review=attention["seconds"] / attention["reviews"] if attention["reviews"] else None,
    )


def at(seen: Traffic, threshold: float, *, parts: bool = False) -> Trial:
    """What this threshold would have done; one between two of the grid counts as the next stricter one.

    parts: also to each class and segment, which takes longer.
    """
    point = seen.points[grid.at_or_above(threshold)]
    if not parts:
        return Trial(point=point, hours=_hours(seen, point), classes=[], segments={})
    keys = list(dict.fromkeys(key for cell in seen.cells for key in cell.segment))
    return Trial(
        point=point,
        hours=_hours(seen, point),
        classes=simulation.by(seen.cells, lambda cell: cell.predicted, threshold, seen.price),
        segments={
            key: simulation.by(seen.cells, lambda cell, key=key: cell.segment.get(key), threshold, seen.price)  # type: ignore[misc]
            for key in keys
        },
    )


def curve(seen: Traffic) -> list[Point]:
    """A point for every threshold, loose to strict, without the ones that change nothing."""
    points = seen.points
    return [point for at, point in enumerate(points) if at == 0 or point.automatic != points[at - 1].automatic]


def honesty(seen: Traffic) -> list[Bin]:
    """When it says so much, how often is it right? From the outputs that were drawn at random and answered."""
    bins = []
    for low, high in zip(_CUTS, (*_CUTS[1:], 1.0), strict=True):
        first = grid.THRESHOLDS.index(low)
        last = grid.THRESHOLDS.index(high) if high < 1 else len(grid.THRESHOLDS)
        members = [cell for cell in seen.cells if first <= cell.bin < last and not cell.ruled]
        judged = sum(cell.judged for cell in members)
        right = judged - sum(cell.wrong for cell in members)
        if judged:
            interval = estimators.clopper_pearson(right, judged, simulation.DELTA)
            bins.append(Bin(low, high, judged, (low + high) / 2, right / judged, interval))
    return bins


def _hours(seen: Traffic, point: Point) -> float | None:
    """The hours that people would have spent: what a review took them so far, times the reviews."""
    if seen.seconds_per_review is None:
        return None
    return point.to_people * seen.price.reviews * seen.seconds_per_review / 3600
