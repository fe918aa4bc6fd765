"""The figures of one stream over some days: what came in, what people did, how often the rest is wrong, and money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from escalation.models import Policy, Stream, output_id
from escalation.policies import versions
from escalation.policies.spec import Policy as Spec
from escalation.policies.spec import declared_keys
from escalation.reports import aggregates, costs, error_rate
from escalation.reports.costs import Estimate, Money, Price
from escalation.reports.error_rate import Flow, Rate
from escalation.reports.tally import Tally, Times
from reviewqueue.kernel import clock
from reviewqueue.queue import items
from reviewqueue.reports import reviews

DAYS = 28


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of outputs that share something: a class, a model version, a value of a segment key.

    A shadow group is of outputs that nobody acted on.
    """

    name: str
    shadow: bool
    flow: Flow
    rate: Rate
    money: Money


@dataclass(frozen=True, slots=True)
class Day:
    """One day: its outputs by when they were received, `decided` by when people decided."""

    day: date
    flow: Flow
    decided: int
    money: Money


@dataclass(frozen=True, slots=True)
class Report:
    """All of a stream's figures. Shadow outputs stand in `model_versions` and in the cost of reviews, nowhere else.

    `decided`: what people decided within the window, whenever it was received. `waiting`: items that wait for
    people now. `unchecked`: outputs that went out while no checks were drawn, so that nothing is known about them.
    `unpriced`: outputs that no policy in this currency routed; they are in no sum of money. `acts`: what people did
    within the window by what they said of it, `reports.ACTS` by code.
    """

    stream: str
    since: date
    until: date
    as_of: datetime
    policy: int | None
    currency: str
    flow: Flow
    decided: int
    waiting: int
    times: Times
    rate: Rate
    blind: int
    money: Money
    unchecked: int
    unpriced: int
    shadow: int
    days: list[Day]
    classes: list[Group]
    model_versions: list[Group]
    segments: dict[str, list[Group]]
    reasons: list[tuple[str, int]]
    acts: dict[str, dict[str, int]]


def window(now: datetime | None = None) -> tuple[date, date]:
    """The days that a report covers unless told otherwise: the last 28 in the team's time zone."""
    today = clock.day(clock.current(now))
    return today - timedelta(days=DAYS - 1), today


def build(*, stream: Stream, since: date, until: date, now: datetime | None = None) -> Report:
    """The report of these days, both included, as things stand now."""
    current = versions.active(stream)
    spec = current.spec if current else Spec()
    keys = declared_keys(spec)
    found = aggregates.of(stream_id=stream.pk, since=since, until=until, keys=keys)
    prices = _prices({tally.policy_id for tally in found if tally.policy_id}, spec.costs.currency)
    typical = costs.typical_error(found, prices, otherwise=spec.costs.error)
    settled = aggregates.settled_per_day(stream_id=stream.pk, since=since, until=until)
    acted_on = [tally for tally in found if not tally.shadow]
    groups = _Groups(prices, typical)
    load = items.load().get(stream.slug)
    return Report(
        stream=stream.slug,
        since=since,
        until=until,
        as_of=clock.current(now),
        policy=current.number if current else None,
        currency=spec.costs.currency,
        flow=error_rate.flow(acted_on),
        decided=sum(settled.values()),
        waiting=load.waiting if load else 0,
        times=aggregates.times(stream_id=stream.pk, since=since, until=until),
        rate=error_rate.rate(acted_on),
        blind=sum(tally.blind for tally in acted_on if tally.checked),
        money=costs.of(found, prices, typical_error=typical),
        unchecked=sum(tally.count for tally in acted_on if tally.released and tally.pi == 0),
        unpriced=sum(tally.count for tally in found if tally.routed and tally.policy_id not in prices),
        shadow=sum(tally.count for tally in found if tally.shadow),
        days=groups.days(found, settled, since, until),
        classes=groups.by(acted_on, lambda tally: tally.predicted),
        model_versions=groups.by(found, lambda tally: f"{tally.model} {tally.model_version}".strip()),
        segments={
            key: groups.by(acted_on, lambda tally, at=index: tally.segment[at] or "")  # type: ignore[misc]
            for index, key in enumerate(keys)
        },
        reasons=_reasons(acted_on),
        acts=_acts(stream, since, until),
    )


@dataclass(frozen=True, slots=True)
class _Groups:
    """Cuts tallies into groups and prices each."""

    prices: Mapping[int, Price]
    typical: float

    def by(self, found: Iterable[Tally], name: Callable[[Tally], str]) -> list[Group]:
        """The groups by name, the largest first."""
        parts: dict[tuple[str, bool], list[Tally]] = {}
        for tally in found:
            parts.setdefault((name(tally), tally.shadow), []).append(tally)
        groups = [
            Group(label, shadow, error_rate.flow(part), error_rate.rate(part), self._money(part))
            for (label, shadow), part in parts.items()
        ]
        return sorted(groups, key=lambda group: (-group.flow.received, group.name))

    def days(self, found: Iterable[Tally], settled: Mapping[date, int], since: date, until: date) -> list[Day]:
        parts: dict[date, list[Tally]] = {}
        for tally in found:
            parts.setdefault(tally.day, []).append(tally)
        days = [since + timedelta(days=index) for index in range((until - since).days + 1)]
        return [
            Day(
                day,
                error_rate.flow(tally for tally in parts.get(day, []) if not tally.shadow),
                settled.get(day, 0),
                self._money(parts.get(day, [])),
            )
            for day in days
        ]

    def _money(self, part: Sequence[Tally]) -> Money:
        return costs.of(part, self.prices, typical_error=self.typical)


def _prices(policy_ids: set[int], currency: str) -> dict[int, Price]:
    """The prices of the versions that speak this currency; sums across currencies make no sense."""
    specs = {pk: versions.spec_of(policy) for pk, policy in Policy.objects.in_bulk(policy_ids).items()}
    return {pk: Price.of(spec) for pk, spec in specs.items() if spec.costs.currency == currency}


def _reasons(found: Iterable[Tally]) -> list[tuple[str, int]]:
    counted = Counter[str]()
    for tally in found:
        if tally.routed:
            counted[tally.reason] += tally.count
    return counted.most_common()


def _acts(stream: Stream, since: date, until: date) -> dict[str, dict[str, int]]:
    first, last = output_id.between(since, until)
    return reviews.counted(slug=stream.slug, since=first, until=last)


def as_json(report: Report) -> dict[str, Any]:
    """The report as the API spells it; what is unknown is null."""
    return {
        "stream": report.stream,
        "since": report.since,
        "until": report.until,
        "as_of": report.as_of,
        "time_zone": timezone.get_default_timezone_name(),
        "policy": report.policy,
        "throughput": {
            **_flow_as_json(report.flow),
            "decided_by_people": report.decided,
            "waiting": report.waiting,
            "shadow": report.shadow,
        },
        "time_to_decision": {
            "decided": report.times.decided,
            "median_seconds": report.times.median,
            "p90_seconds": report.times.p90,
            "p95_seconds": report.times.p95,
        },
        "error_rate": {**_rate_as_json(report.rate), "blind": report.blind, "unchecked": report.unchecked},
        "money": {
            "currency": report.currency,
            **_money_as_json(report.money),
            "unpriced": report.unpriced,
            "check_nothing": _check_nothing(report.money),
            "check_everything": _check_everything(report.money),
        },
        "days": [
            {
                "day": day.day,
                **_flow_as_json(day.flow),
                "decided_by_people": day.decided,
                **_money_as_json(day.money),
            }
            for day in report.days
        ],
        "classes": _groups_as_json(report.classes),
        "model_versions": _groups_as_json(report.model_versions),
        "segments": {key: _groups_as_json(groups) for key, groups in report.segments.items()},
        "reasons": dict(report.reasons),
        "acts": {
            "passed": _act_as_json(report.acts["pass"]),
            "asked_lead": _act_as_json(report.acts["escalate"]),
            "unjudgeable": _act_as_json(report.acts["unjudgeable"]),
        },
        "error_types": report.acts["mistake"],
    }


def _act_as_json(by_reason: dict[str, int]) -> dict[str, Any]:
    """The reasons by their code; the empty one: none was given."""
    return {"total": sum(by_reason.values()), "reasons": by_reason}


def _flow_as_json(went: Flow) -> dict[str, int]:
    return {"received": went.received, "automatic": went.automatic, "to_people": went.to_people}


def _rate_as_json(rate: Rate) -> dict[str, Any]:
    return {
        "rate": rate.rate,
        "low": rate.low,
        "high": rate.high,
        "checked": rate.checked,
        "wrong": rate.wrong,
        "drawn": rate.drawn,
    }


def _money_as_json(sums: Money) -> dict[str, Any]:
    return {
        "let_through": _estimate_as_json(sums.let_through),
        "caught": sums.caught,
        "reviews": sums.reviews,
        "balance": sums.balance,
    }


def _estimate_as_json(estimate: Estimate | None) -> dict[str, float] | None:
    if estimate is None:
        return None
    return {"estimate": estimate.value, "low": estimate.low, "high": estimate.high}


def _check_nothing(sums: Money) -> dict[str, Any]:
    """Had nobody looked at anything: every mistake gets through, at no cost of reviews."""
    return {"let_through": _estimate_as_json(sums.all_mistakes), "caught": 0.0, "reviews": 0.0, "balance": 0.0}


def _check_everything(sums: Money) -> dict[str, Any]:
    """Had people looked at everything and missed nothing."""
    caught = sums.all_mistakes.value if sums.all_mistakes else None
    return {
        "let_through": {"estimate": 0.0, "low": 0.0, "high": 0.0},
        "caught": caught,
        "reviews": sums.review_of_all,
        "balance": None if caught is None else caught - sums.review_of_all,
    }


def _groups_as_json(groups: list[Group]) -> list[dict[str, Any]]:
    return [
        {
            "name": group.name,
            "shadow": group.shadow,
            **_flow_as_json(group.flow),
            "error_rate": _rate_as_json(group.rate),
            **_money_as_json(group.money),
        }
        for group in groups
    ]
