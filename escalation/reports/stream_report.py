"""The report of a stream over some days: throughput, reviews, error rate and costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from escalation.models import Policy, Stream, output_id
from escalation.models.output_id import DayBasis
from escalation.policies import versions
from escalation.policies.spec import PolicySpec, list_segment_keys
from escalation.reports import aggregates, costs, error_rate, field_figures, label_figures
from escalation.reports.costs import CostSummary, PolicyCosts
from escalation.reports.error_rate import ErrorRate, Throughput
from escalation.reports.field_figures import FieldFigures
from escalation.reports.label_figures import LabelErrorTotals, LabelFigures
from escalation.reports.tally import DecisionTimes, Tally
from escalation.routing import reasons
from reviewqueue.facade import facts, queue
from reviewqueue.kernel import clock

REPORT_DAYS = 28


@dataclass(frozen=True, slots=True)
class ReportGroup:
    """The figures of one group of outputs: a class, a model version, or a value of a segment key.

    `shadow`: the group consists of shadow outputs.
    """

    name: str
    shadow: bool
    throughput: Throughput
    error_rate: ErrorRate
    costs: CostSummary


@dataclass(frozen=True, slots=True)
class ReportDay:
    """One day: its outputs by `Report.by`, and how many outputs people `decided` on it."""

    day: date
    throughput: Throughput
    decided: int
    costs: CostSummary


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of a stream. Shadow outputs count only in `model_versions`, `shadow` and the cost of reviews.

    `decided`: outputs decided by people within the window, whenever received. `waiting`: items waiting for review now.
    `unaudited`: outputs automated while no audits were drawn, so that nothing is known about their errors. `unpriced`:
    outputs not routed by a policy in this currency; no cost includes them. `actions`: reviewers' actions within the
    window, counted by reason code for each of `reviews.COUNTED_ACTIONS`. `reasons` and, without audits in them,
    `reasons_for_producers`: how many outputs were routed for each reason.

    `has_costs`: somebody set what errors or reviews cost; without, the amounts only count errors.

    `fields`: the figures of each field; empty unless the stream's answers have fields. `labels`: the figures of each
    label; empty unless the answers are sets of labels. `label_errors`: their sums, where each wrong label is an error.

    `by`: whether outputs count on the day they were received or occurred. Decisions, times to decision and actions
    always count on the day people worked.
    """

    stream: str
    since: date
    until: date
    by: DayBasis
    as_of: datetime
    policy: int | None
    currency: str
    throughput: Throughput
    decided: int
    waiting: int
    times: DecisionTimes
    error_rate: ErrorRate
    blind: int
    has_costs: bool
    costs: CostSummary
    unaudited: int
    unpriced: int
    shadow: int
    days: list[ReportDay]
    classes: list[ReportGroup]
    model_versions: list[ReportGroup]
    segments: dict[str, list[ReportGroup]]
    fields: list[FieldFigures]
    labels: list[LabelFigures]
    label_errors: LabelErrorTotals | None
    reasons: list[tuple[str, int]]
    reasons_for_producers: list[tuple[str, int]]
    actions: dict[str, dict[str, int]]


def default_report_window(now: datetime | None = None) -> tuple[date, date]:
    """The default window of a report: the last 28 days in the team's time zone."""
    today = clock.team_date(clock.current_time(now))
    return today - timedelta(days=REPORT_DAYS - 1), today


def build_report(
    *, stream: Stream, since: date, until: date, by: DayBasis = DayBasis.RECEIVED, now: datetime | None = None
) -> Report:
    """The report of these days, both included, as of now."""
    current = versions.find_active_policy(stream)
    spec = current.spec if current else PolicySpec()
    keys = list_segment_keys(spec)
    form = queue.get_answer_spec(slug=stream.slug, number=stream.schema_number)
    by_part = PolicyCosts.of(spec, by_label=form.has_label_errors).by_part
    found = aggregates.load_tallies(stream_id=stream.pk, since=since, until=until, keys=keys, by=by, by_part=by_part)
    prices = _load_costs(stream, {tally.policy_id for tally in found if tally.policy_id}, spec.costs.currency)
    typical = costs.average_error_cost(found, prices, costs=spec.costs)
    settled = aggregates.count_settled_per_day(stream_id=stream.pk, since=since, until=until)
    acted_on = [tally for tally in found if not tally.shadow]
    groups = _GroupBuilder(prices, typical)
    labels = label_figures.build_label_figures(stream=stream, since=since, until=until, by=by)
    load = queue.measure_loads().get(stream.slug)
    return Report(
        stream=stream.slug,
        since=since,
        until=until,
        by=by,
        as_of=clock.current_time(now),
        policy=current.number if current else None,
        currency=spec.costs.currency,
        throughput=error_rate.count_throughput(acted_on),
        decided=sum(settled.values()),
        waiting=load.waiting if load else 0,
        times=aggregates.measure_decision_times(stream_id=stream.pk, since=since, until=until),
        error_rate=error_rate.estimate_error_rate(acted_on),
        blind=sum(tally.count for tally in acted_on if tally.is_audit),
        has_costs=any(price.costs.are_set for price in [PolicyCosts.of(spec), *prices.values()]),
        costs=costs.summarise_costs(found, prices, typical_error=typical),
        unaudited=sum(tally.count for tally in acted_on if tally.released and tally.pi == 0),
        unpriced=sum(tally.count for tally in found if tally.routed and tally.policy_id not in prices),
        shadow=sum(tally.count for tally in found if tally.shadow),
        days=groups.group_by_day(found, settled, since, until),
        classes=groups.group_by(acted_on, lambda tally: tally.predicted),
        model_versions=groups.group_by(found, lambda tally: f"{tally.model} {tally.model_version}".strip()),
        segments={
            key: groups.group_by(acted_on, lambda tally, at=index: tally.segment[at] or "")  # type: ignore[misc]
            for index, key in enumerate(keys)
        },
        fields=field_figures.build_field_figures(stream=stream, since=since, until=until, by=by),
        labels=labels,
        label_errors=label_figures.sum_label_errors(labels, labels=form.answers) if form.has_label_errors else None,
        reasons=_count_reasons(acted_on, lambda tally: tally.reason),
        reasons_for_producers=_count_reasons(
            acted_on, lambda tally: reasons.reason_for_producers(tally.reason, released=tally.released)
        ),
        actions=_count_actions(stream, since, until),
    )


@dataclass(frozen=True, slots=True)
class _GroupBuilder:
    """Splits tallies into groups and computes the figures of each."""

    prices: Mapping[int, PolicyCosts]
    typical: float

    def group_by(self, found: Iterable[Tally], name: Callable[[Tally], str]) -> list[ReportGroup]:
        """The groups, largest first."""
        parts: dict[tuple[str, bool], list[Tally]] = {}
        for tally in found:
            parts.setdefault((name(tally), tally.shadow), []).append(tally)
        groups = [
            ReportGroup(
                label,
                shadow,
                error_rate.count_throughput(part),
                error_rate.estimate_error_rate(part),
                self._summarise_costs(part),
            )
            for (label, shadow), part in parts.items()
        ]
        return sorted(groups, key=lambda group: (-group.throughput.received, group.name))

    def group_by_day(
        self, found: Iterable[Tally], settled: Mapping[date, int], since: date, until: date
    ) -> list[ReportDay]:
        parts: dict[date, list[Tally]] = {}
        for tally in found:
            parts.setdefault(tally.day, []).append(tally)
        days = [since + timedelta(days=index) for index in range((until - since).days + 1)]
        return [
            ReportDay(
                day,
                error_rate.count_throughput(tally for tally in parts.get(day, []) if not tally.shadow),
                settled.get(day, 0),
                self._summarise_costs(parts.get(day, [])),
            )
            for day in days
        ]

    def _summarise_costs(self, part: Sequence[Tally]) -> CostSummary:
        return costs.summarise_costs(part, self.prices, typical_error=self.typical)


def _load_costs(stream: Stream, policy_ids: set[int], currency: str) -> dict[int, PolicyCosts]:
    """The costs of the versions in this currency; amounts in different currencies cannot be added up."""
    found = {policy.pk: _load_policy_costs(stream, policy) for policy in Policy.objects.filter(pk__in=policy_ids)}
    return {pk: price for pk, price in found.items() if price.costs.currency == currency}


def _load_policy_costs(stream: Stream, policy: Policy) -> PolicyCosts:
    form = queue.get_answer_spec(slug=stream.slug, number=policy.schema_number)
    return PolicyCosts.of(versions.spec_of(policy), by_label=form.has_label_errors)


def _count_reasons(found: Iterable[Tally], reason_of: Callable[[Tally], str]) -> list[tuple[str, int]]:
    """How many outputs were routed for each reason, the most frequent first."""
    counted = Counter[str]()
    for tally in found:
        if tally.routed:
            counted[reason_of(tally)] += tally.count
    return counted.most_common()


def _count_actions(stream: Stream, since: date, until: date) -> dict[str, dict[str, int]]:
    first, last = output_id.time_range_of_days(since, until)
    return facts.count_actions(slug=stream.slug, since=first, until=last)
