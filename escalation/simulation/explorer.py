"""What a stream's policy page shows: where thresholds could be, what each would have done, and how honest the AI is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache, partial

from escalation import statistics
from escalation.guarantees import population, thresholds
from escalation.guarantees.population import Population
from escalation.models import Policy, Stream
from escalation.policies import versions
from escalation.policies.spec import PolicySpec
from escalation.reports.costs import PolicyCosts
from escalation.simulation import daily_counts, threshold_curve
from escalation.simulation.threshold_curve import CountCell, ThresholdPoint
from escalation.statistics import ReliabilityBin
from reviewqueue.kernel import clock

DEFAULT_DAYS = 28
MAX_DAYS = 366
# A sweep counts today anew every minute, and the days before while their reviews come in: so these are read again more
# often than those before.
_RECENT_PERIOD = timedelta(days=6)
# Where the confidences of the diagram are cut: tenths, and finer where most of them are.
_CONFIDENCE_CUTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
# Below these, one number about how honest a confidence is would say more about chance than about it.
MIN_AUDITS = 200
MIN_ERRORS = 20


@dataclass(frozen=True, slots=True)
class Traffic:
    """The outputs of some days that trials are made on: of one model version, judged by one set of answers.

    Those it made in shadow, before it was acted on, are among them: that is how a version earns its evidence.
    """

    population: Population
    since: date
    until: date
    cells: Sequence[CountCell]
    points: Sequence[ThresholdPoint]  # one for every threshold of the grid
    price: PolicyCosts
    seconds_per_review: float | None

    @property
    def outputs(self) -> int:
        return sum(cell.outputs for cell in self.cells)

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1


@dataclass(frozen=True, slots=True)
class ThresholdPreview:
    """What a threshold would have done: to all, to each class and each value of each declared segment key."""

    point: ThresholdPoint
    hours: float | None
    classes: list[tuple[str, ThresholdPoint]]
    segments: dict[str, list[tuple[str, ThresholdPoint]]]


@dataclass(frozen=True, slots=True)
class CalibrationSummary:
    """Whether the AI is as often right as it says.

    bins: the diagram. checked, wrong: the outputs it was made from. off: how far what the AI says lies from how often
    it is right, on average over the bins (the expected calibration error; chance makes it more than 0 for an honest AI
    too). brier: the mean squared difference between confidence and outcome. Both None where too few were checked.
    """

    bins: list[ReliabilityBin]
    audits: int
    wrong: int
    calibration_error: float | None
    brier: float | None


def load_traffic(stream: Stream, *, days: int = DEFAULT_DAYS, now: datetime | None = None) -> Traffic | None:
    """The last days' traffic as it was counted; None before the first output."""
    line = population.current_population(stream)
    if line is None:
        return None
    current = versions.find_active_policy(stream)
    until = clock.team_date(clock.current_time(now))
    since = until - timedelta(days=min(max(days, 1), MAX_DAYS) - 1)
    recent = max(since, until - _RECENT_PERIOD)
    spans = (
        _build_span(stream.pk, line, since, recent - timedelta(days=1)),
        _build_span(stream.pk, line, recent, until),
    )
    return _load_counted(spans, current.policy_id if current else None)


@dataclass(frozen=True, slots=True)
class _DaySpan:
    """Some days of a stream, and the state of their counts: with another state, other cells."""

    stream_id: int
    population: Population
    since: date
    until: date
    state: str


def _build_span(stream_id: int, line: Population, since: date, until: date) -> _DaySpan:
    return _DaySpan(
        stream_id, line, since, until, daily_counts.fetch_counts_version(stream_id=stream_id, since=since, until=until)
    )


# While somebody moves the slider, the same rows are asked for again and again: each process adds them up once.
@lru_cache(maxsize=4)
def _load_counted(spans: tuple[_DaySpan, ...], policy_id: int | None) -> Traffic:
    price = PolicyCosts.of(versions.spec_of(Policy.objects.get(pk=policy_id)) if policy_id else PolicySpec())
    cells = [cell for span in spans for cell in _load_cells(span)]
    first, last = spans[0], spans[-1]
    return Traffic(
        population=first.population,
        since=first.since,
        until=last.until,
        cells=cells,
        points=threshold_curve.compute_curve(cells, price),
        price=price,
        seconds_per_review=daily_counts.compute_seconds_per_review(
            stream_id=first.stream_id, since=first.since, until=last.until
        ),
    )


@lru_cache(maxsize=8)
def _load_cells(span: _DaySpan) -> list[CountCell]:
    return daily_counts.load_cells(stream_id=span.stream_id, line=span.population, since=span.since, until=span.until)


def preview_threshold(seen: Traffic, threshold: float, *, parts: bool = False) -> ThresholdPreview:
    """What this threshold would have done; one between two of the grid counts as the next stricter one.

    parts: also to each class and segment, which takes longer.
    """
    point = seen.points[thresholds.find_threshold_index(threshold)]
    if not parts:
        return ThresholdPreview(point=point, hours=_review_hours(seen, point), classes=[], segments={})
    keys = list(dict.fromkeys(key for cell in seen.cells for key in cell.segment))
    return ThresholdPreview(
        point=point,
        hours=_review_hours(seen, point),
        classes=threshold_curve.simulate_groups(seen.cells, lambda cell: cell.predicted, threshold, seen.price),
        segments={
            key: threshold_curve.simulate_groups(seen.cells, partial(_read_segment, key=key), threshold, seen.price)
            for key in keys
        },
    )


def list_curve_points(seen: Traffic) -> list[ThresholdPoint]:
    """A point for every threshold, loose to strict, without the ones that change nothing."""
    points = seen.points
    return [point for at, point in enumerate(points) if at == 0 or point.automatic != points[at - 1].automatic]


def measure_calibration(seen: Traffic) -> CalibrationSummary:
    """When it says so much, how often is it right? From the outputs that were drawn at random and answered.

    Each weighs 1 / p, p the audit rate it was drawn at, as in the curve (`simulation`); where there is one p, that is
    no weight at all. The counts hold no mean confidence, so an output is taken to say the middle of its step of
    `grid.THRESHOLDS`: no more than a point away from 0.5 on, a quarter of a point from 0.9 on, and 2.5 points below.
    """
    cells = [cell for cell in seen.cells if cell.judged and cell.bin >= 0 and not cell.ruled]
    checked, wrong = sum(cell.judged for cell in cells), sum(cell.wrong for cell in cells)
    parts = [
        (low, high, [cell for cell in cells if low <= thresholds.THRESHOLDS[cell.bin] < high])
        for low, high in zip(_CONFIDENCE_CUTS, (*_CONFIDENCE_CUTS[1:], 1.0), strict=True)
    ]
    bins = [_build_bin(low, high, members) for low, high, members in parts if members]
    enough = checked >= MIN_AUDITS and wrong >= MIN_ERRORS
    return CalibrationSummary(
        bins=bins,
        audits=checked,
        wrong=wrong,
        calibration_error=_calibration_error(bins, [members for _low, _high, members in parts if members])
        if enough
        else None,
        brier=_weighted_mean(cells, [_brier_score(cell) for cell in cells]) if enough else None,
    )


def _build_bin(low: float, high: float, members: Sequence[CountCell]) -> ReliabilityBin:
    # Never past 1, where the last bit of a sum could bring it.
    error = min(1.0, _weighted_mean(members, [cell.wrong / cell.judged for cell in members]))
    weights, counted = [1 / cell.p for cell in members], [cell.judged for cell in members]
    least, most = statistics.compute_weighted_interval(weights, counted, error, threshold_curve.INTERVAL_DELTA)
    said = _weighted_mean(members, [_middle_confidence(cell) for cell in members])
    return ReliabilityBin(low, high, sum(counted), said, 1 - error, (1 - most, 1 - least))


def _calibration_error(bins: Sequence[ReliabilityBin], members: Sequence[Sequence[CountCell]]) -> float:
    """The mean over all checks of how far their bin's confidence is from its accuracy, by the bins of the diagram.

    Naeini, Cooper and Hauskrecht 2015; Guo et al. 2017.
    """
    weights = [sum(cell.judged / cell.p for cell in cells) for cells in members]
    return (
        statistics.compute_weighted_rate(weights, [abs(part.mean_confidence - part.accuracy) for part in bins]) or 0.0
    )


def _brier_score(cell: CountCell) -> float:
    """The mean squared difference between confidence and outcome over the checks of one cell (Brier 1950)."""
    said, error = _middle_confidence(cell), cell.wrong / cell.judged
    return error * said**2 + (1 - error) * (1 - said) ** 2


def _middle_confidence(cell: CountCell) -> float:
    """The middle of the confidences that were counted together."""
    low, *higher = thresholds.THRESHOLDS[cell.bin : cell.bin + 2]
    return (low + (higher[0] if higher else 1.0)) / 2


def _weighted_mean(cells: Sequence[CountCell], values: Sequence[float]) -> float:
    """A mean over the checks of these cells, each check weighing 1 / p."""
    return statistics.compute_weighted_rate([cell.judged / cell.p for cell in cells], values) or 0.0


def _review_hours(seen: Traffic, point: ThresholdPoint) -> float | None:
    """The hours that people would have spent: what a review took them so far, times the reviews."""
    if seen.seconds_per_review is None:
        return None
    return point.to_review * seen.price.reviews * seen.seconds_per_review / 3600


def _read_segment(cell: CountCell, key: str) -> str | None:
    return cell.segment.get(key)
