"""What a stream's policy page shows: where thresholds could be, what each would have done, and how honest the AI is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from escalation import statistics
from escalation.guarantees import population, thresholds
from escalation.guarantees.population import Line
from escalation.models import Policy, Stream
from escalation.policies import versions
from escalation.policies.spec import Policy as Spec
from escalation.reports.costs import Price
from escalation.simulation import daily_counts, threshold_curve
from escalation.simulation.threshold_curve import Cell, Point
from escalation.statistics import Bin
from reviewqueue.kernel import clock

DAYS = 28
MOST_DAYS = 366
# A sweep counts today anew every minute, and the days before while their reviews come in: so these are read again more
# often than those before.
_RECENT = timedelta(days=6)
# Where the confidences of the diagram are cut: tenths, and finer where most of them are.
_CUTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
# Below these, one number about how honest a confidence is would say more about chance than about it.
LEAST_CHECKED = 200
LEAST_WRONG = 20


@dataclass(frozen=True, slots=True)
class Traffic:
    """The outputs of some days that trials are made on: of one model version, judged by one set of answers.

    Those it made in shadow, before it was acted on, are among them: that is how a version earns its evidence.
    """

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


@dataclass(frozen=True, slots=True)
class Honesty:
    """Whether the AI is as often right as it says.

    bins: the diagram. checked, wrong: the outputs it was made from. off: how far what the AI says lies from how often
    it is right, on average over the bins (the expected calibration error; chance makes it more than 0 for an honest AI
    too). brier: the mean squared difference between confidence and outcome. Both None where too few were checked.
    """

    bins: list[Bin]
    checked: int
    wrong: int
    off: float | None
    brier: float | None


def traffic(stream: Stream, *, days: int = DAYS, now: datetime | None = None) -> Traffic | None:
    """The last days' traffic as it was counted; None before the first output."""
    line = population.of(stream)
    if line is None:
        return None
    current = versions.active(stream)
    until = clock.day(clock.current(now))
    since = until - timedelta(days=min(max(days, 1), MOST_DAYS) - 1)
    recent = max(since, until - _RECENT)
    spans = (
        _span(stream.pk, line, since, recent - timedelta(days=1)),
        _span(stream.pk, line, recent, until),
    )
    return _counted(spans, current.policy_id if current else None)


@dataclass(frozen=True, slots=True)
class _Span:
    """Some days of a stream, and the state of their counts: with another state, other cells."""

    stream_id: int
    line: Line
    since: date
    until: date
    state: str


def _span(stream_id: int, line: Line, since: date, until: date) -> _Span:
    return _Span(stream_id, line, since, until, daily_counts.state(stream_id=stream_id, since=since, until=until))


# While somebody moves the slider, the same rows are asked for again and again: each process adds them up once.
@lru_cache(maxsize=4)
def _counted(spans: tuple[_Span, ...], policy_id: int | None) -> Traffic:
    price = Price.of(versions.spec_of(Policy.objects.get(pk=policy_id)) if policy_id else Spec())
    cells = [cell for span in spans for cell in _cells(span)]
    first, last = spans[0], spans[-1]
    return Traffic(
        line=first.line,
        since=first.since,
        until=last.until,
        cells=cells,
        points=threshold_curve.curve(cells, price),
        price=price,
        seconds_per_review=daily_counts.seconds_per_review(
            stream_id=first.stream_id, since=first.since, until=last.until
        ),
    )


@lru_cache(maxsize=8)
def _cells(span: _Span) -> list[Cell]:
    return daily_counts.cells(stream_id=span.stream_id, line=span.line, since=span.since, until=span.until)


def at(seen: Traffic, threshold: float, *, parts: bool = False) -> Trial:
    """What this threshold would have done; one between two of the grid counts as the next stricter one.

    parts: also to each class and segment, which takes longer.
    """
    point = seen.points[thresholds.at_or_above(threshold)]
    if not parts:
        return Trial(point=point, hours=_hours(seen, point), classes=[], segments={})
    keys = list(dict.fromkeys(key for cell in seen.cells for key in cell.segment))
    return Trial(
        point=point,
        hours=_hours(seen, point),
        classes=threshold_curve.by(seen.cells, lambda cell: cell.predicted, threshold, seen.price),
        segments={
            key: threshold_curve.by(seen.cells, lambda cell, key=key: cell.segment.get(key), threshold, seen.price)  # type: ignore[misc]
            for key in keys
        },
    )


def curve(seen: Traffic) -> list[Point]:
    """A point for every threshold, loose to strict, without the ones that change nothing."""
    points = seen.points
    return [point for at, point in enumerate(points) if at == 0 or point.automatic != points[at - 1].automatic]


def honesty(seen: Traffic) -> Honesty:
    """When it says so much, how often is it right? From the outputs that were drawn at random and answered.

    Each weighs 1 / p, p the audit rate it was drawn at, as in the curve (`simulation`); where there is one p, that is
    no weight at all. The counts hold no mean confidence, so an output is taken to say the middle of its step of
    `grid.THRESHOLDS`: no more than a point away from 0.5 on, a quarter of a point from 0.9 on, and 2.5 points below.
    """
    cells = [cell for cell in seen.cells if cell.judged and cell.bin >= 0 and not cell.ruled]
    checked, wrong = sum(cell.judged for cell in cells), sum(cell.wrong for cell in cells)
    parts = [
        (low, high, [cell for cell in cells if low <= thresholds.THRESHOLDS[cell.bin] < high])
        for low, high in zip(_CUTS, (*_CUTS[1:], 1.0), strict=True)
    ]
    bins = [_bin(low, high, members) for low, high, members in parts if members]
    enough = checked >= LEAST_CHECKED and wrong >= LEAST_WRONG
    return Honesty(
        bins=bins,
        checked=checked,
        wrong=wrong,
        off=_off(bins, [members for _low, _high, members in parts if members]) if enough else None,
        brier=_mean(cells, [_squared(cell) for cell in cells]) if enough else None,
    )


def _bin(low: float, high: float, members: Sequence[Cell]) -> Bin:
    # Never past 1, where the last bit of a sum could bring it.
    error = min(1.0, _mean(members, [cell.wrong / cell.judged for cell in members]))
    weights, counted = [1 / cell.p for cell in members], [cell.judged for cell in members]
    least, most = statistics.weighted_interval(weights, counted, error, threshold_curve.DELTA)
    said = _mean(members, [_said(cell) for cell in members])
    return Bin(low, high, sum(counted), said, 1 - error, (1 - most, 1 - least))


def _off(bins: Sequence[Bin], members: Sequence[Sequence[Cell]]) -> float:
    """As `estimators.expected_error`, with weights and over the bins of the diagram, so that its table makes it."""
    weights = [sum(cell.judged / cell.p for cell in cells) for cells in members]
    return statistics.hajek(weights, [abs(part.said - part.right) for part in bins]) or 0.0


def _squared(cell: Cell) -> float:
    """As `estimators.brier`, of the checks of one cell."""
    said, error = _said(cell), cell.wrong / cell.judged
    return error * said**2 + (1 - error) * (1 - said) ** 2


def _said(cell: Cell) -> float:
    """The middle of the confidences that were counted together."""
    low, *higher = thresholds.THRESHOLDS[cell.bin : cell.bin + 2]
    return (low + (higher[0] if higher else 1.0)) / 2


def _mean(cells: Sequence[Cell], values: Sequence[float]) -> float:
    """A mean over the checks of these cells, each check weighing 1 / p."""
    return statistics.hajek([cell.judged / cell.p for cell in cells], values) or 0.0


def _hours(seen: Traffic, point: Point) -> float | None:
    """The hours that people would have spent: what a review took them so far, times the reviews."""
    if seen.seconds_per_review is None:
        return None
    return point.to_people * seen.price.reviews * seen.seconds_per_review / 3600
