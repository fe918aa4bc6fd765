"""The data of a stream's policy page: the threshold curve, previews of single thresholds, and the AI's calibration."""

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
from reviewqueue.facade import queue
from reviewqueue.kernel import clock

DEFAULT_DAYS = 28
MAX_DAYS = 366
# A sweep recounts today while outputs arrive, and earlier days while their reviews arrive: so recent days are cached
# apart from older ones, which change less often.
_RECENT_PERIOD = timedelta(days=6)
# The bin edges of the diagram: tenths, and finer where most confidences are.
_CONFIDENCE_CUTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
# With fewer audits or errors, a single calibration figure would mostly reflect chance.
MIN_AUDITS = 200
MIN_ERRORS = 20


@dataclass(frozen=True, slots=True)
class Traffic:
    """The outputs of some days that simulations use: those of one population.

    Without shadow outputs, as in a guarantee: nobody acts on these, and they need not be like those that count.
    """

    population: Population
    since: date
    until: date
    cells: Sequence[CountCell]
    points: Sequence[ThresholdPoint]  # one per threshold of the grid
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
    """What a threshold would have done: overall, per class, and per value of each declared segment key.

    hours: the review time it would have taken, None if unknown.
    """

    point: ThresholdPoint
    hours: float | None
    classes: list[tuple[str, ThresholdPoint]]
    segments: dict[str, list[tuple[str, ThresholdPoint]]]


@dataclass(frozen=True, slots=True)
class CalibrationSummary:
    """How the AI's confidence compares with its accuracy.

    bins: the reliability diagram. audits, wrong: the audits it is based on, and the errors among them.
    calibration_error: the mean gap between confidence and accuracy over the bins (expected calibration error; by chance
    above 0 even for a perfectly calibrated AI). brier: the mean squared difference between confidence and outcome. Both
    are None with too few audits or errors.
    """

    bins: list[ReliabilityBin]
    audits: int
    wrong: int
    calibration_error: float | None
    brier: float | None


def load_traffic(
    stream: Stream, *, covered: Population | None = None, days: int = DEFAULT_DAYS, now: datetime | None = None
) -> Traffic | None:
    """The counted traffic of the last days, of the main population by default; None before the first output."""
    covered = covered or population.current_population(stream)
    if covered is None:
        return None
    current = versions.find_active_policy(stream)
    until = clock.team_date(clock.current_time(now))
    since = until - timedelta(days=min(max(days, 1), MAX_DAYS) - 1)
    recent = max(since, until - _RECENT_PERIOD)
    spans = (
        _build_span(stream.pk, covered, since, recent - timedelta(days=1)),
        _build_span(stream.pk, covered, recent, until),
    )
    return _load_counted(spans, current.policy_id if current else None)


@dataclass(frozen=True, slots=True)
class _DaySpan:
    """Some days of a stream, and the version of their counts; a cache key."""

    stream_id: int
    population: Population
    since: date
    until: date
    counts_version: str


def _build_span(stream_id: int, covered: Population, since: date, until: date) -> _DaySpan:
    return _DaySpan(
        stream_id,
        covered,
        since,
        until,
        daily_counts.fetch_counts_version(stream_id=stream_id, since=since, until=until),
    )


# Moving the slider asks for the same rows again and again: each process adds them up only once.
@lru_cache(maxsize=4)
def _load_counted(spans: tuple[_DaySpan, ...], policy_id: int | None) -> Traffic:
    price = _load_price(policy_id)
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
    return daily_counts.load_cells(
        stream_id=span.stream_id, covered=span.population, since=span.since, until=span.until
    )


def preview_threshold(traffic: Traffic, threshold: float, *, parts: bool = False) -> ThresholdPreview:
    """What this threshold would have done. A threshold between two of the grid counts as the next stricter one.

    parts: also per class and segment, which takes longer.
    """
    point = traffic.points[thresholds.find_threshold_index(threshold)]
    if not parts:
        return ThresholdPreview(point=point, hours=_review_hours(traffic, point), classes=[], segments={})
    keys = list(dict.fromkeys(key for cell in traffic.cells for key in cell.segment))
    return ThresholdPreview(
        point=point,
        hours=_review_hours(traffic, point),
        classes=threshold_curve.simulate_groups(traffic.cells, lambda cell: cell.predicted, threshold, traffic.price),
        segments={
            key: threshold_curve.simulate_groups(
                traffic.cells, partial(_read_segment, key=key), threshold, traffic.price
            )
            for key in keys
        },
    )


def list_curve_points(traffic: Traffic) -> list[ThresholdPoint]:
    """The points from loose to strict, without those that automate as many outputs as the one before."""
    points = traffic.points
    return [point for i, point in enumerate(points) if i == 0 or point.automatic != points[i - 1].automatic]


def measure_calibration(traffic: Traffic) -> CalibrationSummary:
    """Calibration by confidence bin, from the answered audits.

    Each audit weighs 1 / p, p being the audit rate at which it was drawn, as in the curve; with a single p the weights
    cancel out. The counts hold no mean confidence, so an output counts with the middle of its step in
    `thresholds.THRESHOLDS`, which is off by at most 2.5 points below 0.5, 1 point from 0.5, and 0.25 points from 0.9.
    """
    cells = [cell for cell in traffic.cells if cell.judged and cell.bin >= 0 and not cell.ruled]
    audits, wrong = sum(cell.judged for cell in cells), sum(cell.wrong for cell in cells)
    parts = [
        (low, high, [cell for cell in cells if low <= thresholds.THRESHOLDS[cell.bin] < high])
        for low, high in zip(_CONFIDENCE_CUTS, (*_CONFIDENCE_CUTS[1:], 1.0), strict=True)
    ]
    bins = [_build_bin(low, high, members) for low, high, members in parts if members]
    enough = audits >= MIN_AUDITS and wrong >= MIN_ERRORS
    return CalibrationSummary(
        bins=bins,
        audits=audits,
        wrong=wrong,
        calibration_error=_calibration_error(bins, [members for _low, _high, members in parts if members])
        if enough
        else None,
        brier=_weighted_mean(cells, [_brier_score(cell) for cell in cells]) if enough else None,
    )


def _build_bin(low: float, high: float, members: Sequence[CountCell]) -> ReliabilityBin:
    # At most 1, which rounding of the sum could exceed.
    error = min(1.0, _weighted_mean(members, [cell.wrong / cell.judged for cell in members]))
    weights, counted = [1 / cell.p for cell in members], [cell.judged for cell in members]
    least, most = statistics.compute_weighted_interval(weights, counted, error, threshold_curve.INTERVAL_DELTA)
    confidence = _weighted_mean(members, [_middle_confidence(cell) for cell in members])
    return ReliabilityBin(low, high, sum(counted), confidence, 1 - error, (1 - most, 1 - least))


def _calibration_error(bins: Sequence[ReliabilityBin], members: Sequence[Sequence[CountCell]]) -> float:
    """The mean over all audits of the gap between their bin's mean confidence and accuracy, by the diagram's bins.

    Naeini, Cooper and Hauskrecht 2015; Guo et al. 2017.
    """
    weights = [sum(cell.judged / cell.p for cell in cells) for cells in members]
    return (
        statistics.compute_weighted_rate(weights, [abs(part.mean_confidence - part.accuracy) for part in bins]) or 0.0
    )


def _brier_score(cell: CountCell) -> float:
    """The mean squared difference between confidence and outcome, over the audits of one cell (Brier 1950)."""
    confidence, error = _middle_confidence(cell), cell.wrong / cell.judged
    return error * confidence**2 + (1 - error) * (1 - confidence) ** 2


def _middle_confidence(cell: CountCell) -> float:
    """The middle of the cell's confidence bin."""
    low, *higher = thresholds.THRESHOLDS[cell.bin : cell.bin + 2]
    return (low + (higher[0] if higher else 1.0)) / 2


def _weighted_mean(cells: Sequence[CountCell], values: Sequence[float]) -> float:
    """The mean over the audits of these cells, each audit weighing 1 / p."""
    return statistics.compute_weighted_rate([cell.judged / cell.p for cell in cells], values) or 0.0


def _review_hours(traffic: Traffic, point: ThresholdPoint) -> float | None:
    """The review hours that a threshold would have taken, at the mean time per review so far; None if unknown."""
    if traffic.seconds_per_review is None:
        return None
    return point.to_review * traffic.price.reviews * traffic.seconds_per_review / 3600


def _read_segment(cell: CountCell, key: str) -> str | None:
    return cell.segment.get(key)


def _load_price(policy_id: int | None) -> PolicyCosts:
    if policy_id is None:
        return PolicyCosts.of(PolicySpec())
    policy = Policy.objects.select_related("stream").get(pk=policy_id)
    form = queue.get_answer_spec(slug=policy.stream.slug, number=policy.schema_number)
    return PolicyCosts.of(versions.spec_of(policy), by_label=form.has_label_errors)
