"""What a changed policy would have done, beside the one in effect: both replayed on the stream's latest outputs.

Error figures come from answered audits, which were drawn on both sides of any threshold, each weighted by the inverse
of the audit rate at which it was drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from escalation import statistics
from escalation.models import Stream, output_id
from escalation.policies.spec import PolicySpec
from escalation.reports.costs import PolicyCosts
from escalation.simulation import replay
from escalation.simulation.replay import ReplayedOutput, ReplayedRoute
from reviewqueue.facade import queue
from reviewqueue.kernel import clock

PERIOD = timedelta(days=28)
MAX_OUTPUTS = 20_000  # replayed twice within a moment: the page follows what is typed
MAX_EXAMPLES = 20
INTERVAL_DELTA = 0.05


@dataclass(frozen=True, slots=True)
class ErrorEstimate:
    """Estimated errors per day, with their 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ChangedOutput:
    """An output that the new version routes differently: automated now (`automated`), or sent to review now."""

    external_id: str
    predicted: str
    confidence: float | None
    automated: bool


@dataclass(slots=True)
class VersionEffect:
    """What one version would have done to the replayed outputs.

    audits, reviewed_audits: how many answered audits the version would have automated, and sent to review. undetected:
    errors in automated outputs; None without audits among them. balance: the cost of errors that reviews would have
    caught, less the cost of reviews, per 30 days; None without costs or audits. error_cost: the cost of undetected
    errors per 30 days.
    """

    outputs: int
    automated: int
    reviews_per_day: float
    audits: int
    reviewed_audits: int
    undetected: ErrorEstimate | None
    error_cost: float | None
    balance: float | None

    @property
    def automation_rate(self) -> float:
        return self.automated / self.outputs if self.outputs else 0.0


@dataclass(frozen=True, slots=True)
class PolicyEffect:
    """Two versions on the same outputs. `before` is None without a policy in effect; `cut`: only the latest outputs."""

    since: datetime
    outputs: int
    cut: bool
    before: VersionEffect | None
    after: VersionEffect
    newly_automated: int
    newly_reviewed: int
    examples: Sequence[ChangedOutput]

    @property
    def changed(self) -> int:
        return self.newly_automated + self.newly_reviewed


@dataclass(slots=True)
class _AuditSums:
    """Weighted sums over answered audits."""

    counts: dict[float, int] = field(default_factory=dict)  # by audit rate
    weight: float = 0.0
    errors: float = 0.0
    cost: float = 0.0

    def add(self, p: float, wrong: bool, cost: float) -> None:
        self.counts[p] = self.counts.get(p, 0) + 1
        self.weight += 1 / p
        self.errors += wrong / p
        self.cost += cost / p

    def estimate(self, outputs: float) -> ErrorEstimate | None:
        """The errors among this many outputs like those audited."""
        if not outputs:
            return ErrorEstimate(0.0, 0.0, 0.0)
        if not self.weight:
            return None
        rate = min(1.0, self.errors / self.weight)
        low, high = statistics.compute_weighted_interval(
            [1 / p for p in self.counts], list(self.counts.values()), rate, INTERVAL_DELTA
        )
        return ErrorEstimate(rate * outputs, low * outputs, high * outputs)

    def mean_cost(self) -> float | None:
        return self.cost / self.weight if self.weight else None


class _Tally:
    """Adds up what one version does, output by output."""

    def __init__(self, spec: PolicySpec, *, by_label: bool) -> None:
        self.spec, self.price = spec, PolicyCosts.of(spec, by_label=by_label)
        self.outputs = self.automated = self.reviewed = 0
        self.of_automated, self.of_reviewed = _AuditSums(), _AuditSums()

    def add(self, row: ReplayedOutput, route: ReplayedRoute) -> None:
        self.outputs += 1
        self.automated += route.released
        self.reviewed += route.review
        if row.is_answered_audit:
            # Audits that hold are not released, but a sample of those that are.
            sums = self.of_automated if route.eligible else self.of_reviewed
            sums.add(row.p, bool(row.wrong), self._cost(row))

    def summarize(self, days: float) -> VersionEffect:
        costs, month = self.spec.costs, 30 / days
        undetected = self.of_automated.estimate(self.automated / days)
        error_cost = _multiply(self.of_automated.mean_cost(), self.automated)
        caught = _multiply(self.of_reviewed.mean_cost(), self.outputs - self.automated)
        reviews = self.reviewed * self.spec.reviews
        return VersionEffect(
            outputs=self.outputs,
            automated=self.automated,
            reviews_per_day=reviews / days,
            audits=sum(self.of_automated.counts.values()),
            reviewed_audits=sum(self.of_reviewed.counts.values()),
            undetected=undetected,
            error_cost=_multiply(error_cost, month) if costs.are_set else None,
            balance=(caught - reviews * costs.review) * month if costs.are_set and caught is not None else None,
        )

    def _cost(self, row: ReplayedOutput) -> float:
        if not row.wrong:
            return 0.0
        wrong_parts, invented = row.list_wrong_parts() if self.price.by_part else ([], [])
        in_any_case = self.price.price_error(
            predicted=row.predicted, true=row.settled, wrong_parts=wrong_parts, invented=invented
        )
        return in_any_case + self.spec.costs.value_cost(max(row.value or 0.0, 0.0))


def _multiply(mean: float | None, number: float) -> float | None:
    """A mean times a number; 0 of anything is 0, whatever its mean."""
    if not number:
        return 0.0
    return None if mean is None else mean * number


def compare_policies(
    stream: Stream, before: PolicySpec | None, after: PolicySpec, *, now: datetime | None = None
) -> PolicyEffect:
    """Replay two versions on the outputs of the last 28 days, at most the latest 20,000."""
    until = clock.current_time(now)
    window = replay.find_window(stream, since=until - PERIOD, until=until, most=MAX_OUTPUTS)
    by_label = queue.get_answer_spec(slug=stream.slug, number=stream.schema_number).has_label_errors
    old, new = _Tally(before or after, by_label=by_label), _Tally(after, by_label=by_label)
    examples: list[ChangedOutput] = []
    newly_automated = newly_reviewed = 0
    began = until
    for row, was_released in _replay_both(stream, old, new, window.first, until):
        began = min(began, output_id.time_of_id(row.id))
        if was_released is None:
            continue
        newly_automated += not was_released
        newly_reviewed += was_released
        examples = [*examples, _show_change(row, automated=not was_released)][-MAX_EXAMPLES:]
    days = max((until - began) / timedelta(days=1), 1.0)
    return PolicyEffect(
        since=began,
        outputs=new.outputs,
        cut=window.cut,
        before=None if before is None else old.summarize(days),
        after=new.summarize(days),
        newly_automated=newly_automated,
        newly_reviewed=newly_reviewed,
        examples=examples[::-1],
    )


def _replay_both(
    stream: Stream, old: _Tally, new: _Tally, first: int, until: datetime
) -> Iterator[tuple[ReplayedOutput, bool | None]]:
    """Each output, with whether the old version would have automated it; None where both do the same."""
    for rows in replay.fetch_chunks(stream, first, until):
        number = stream.schema_number
        routes = [replay.decide_again(stream, tally.spec, rows, schema_number=number) for tally in (old, new)]
        for row, was, now in zip(rows, *routes, strict=True):
            old.add(row, was)
            new.add(row, now)
            yield row, None if was.released == now.released else was.released


def _show_change(row: ReplayedOutput, *, automated: bool) -> ChangedOutput:
    return ChangedOutput(row.external_id, row.predicted, row.confidence, automated)
