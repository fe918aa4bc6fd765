"""A person's own statistics: verdicts, speed, and how often they agree with the final answer. Nobody else's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from reviewqueue.accounts import roles
from reviewqueue.answers import schema
from reviewqueue.kernel import clock, sent_json, sql
from reviewqueue.models import User
from reviewqueue.reports import queries
from reviewqueue.verdicts import settlement

PERIOD_DAYS = (1, 7, 30)  # including today
MIN_COMPARED_VERDICTS = 5  # below this, a share is meaningless


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of `compared` verdicts on settled items that others judged too, `agreed` equal the final answer."""

    agreed: int = 0
    compared: int = 0

    @property
    def share(self) -> float | None:
        """The share that agreed, 0 to 1; None below `MIN_COMPARED_VERDICTS`."""
        return self.agreed / self.compared if self.compared >= MIN_COMPARED_VERDICTS else None


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """The verdicts of one period; `median_seconds` is the active time per item, None if none was measured."""

    days: int
    count: int = 0
    median_seconds: float | None = None
    agreement: Agreement = field(default_factory=Agreement)


@dataclass(frozen=True, slots=True)
class QueueFigures:
    title: str
    figures: Sequence[PeriodFigures]


@dataclass(frozen=True, slots=True)
class PersonalReport:
    """Figures for each of `PERIOD_DAYS`, in total and by queue."""

    total: Sequence[PeriodFigures]
    queues: Sequence[QueueFigures]

    @property
    def month(self) -> PeriodFigures:
        return self.total[-1]


@dataclass(frozen=True, slots=True)
class PersonalSummary:
    """A one-line summary: today's figures, and the agreement of the last 30 days, because one day has too few."""

    today: PeriodFigures
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class ComparedVerdict:
    """A verdict beside the settled outcome; `days` is the shortest period that includes it."""

    queue: int
    days: int
    kind: str
    answer: Any
    outcome: str
    settled: Any

    @property
    def agrees(self) -> bool:
        return settlement.OUTCOMES_BY_KIND.get(self.kind) == self.outcome and schema.answers_match(
            self.answer, self.settled
        )


def build_personal_report(user: User, *, now: datetime | None = None) -> PersonalReport:
    """The person's statistics in the queues they are a member of, by calendar day in the team's time zone."""
    mine = {queue.pk: queue.title for queue in roles.queues_for(user)}
    parameters = {"user": user.pk, "queues": list(mine), **_period_starts(clock.current_time(now))}
    work = {(row.pop("queue"), row["days"]): row for row in sql.fetch_rows(queries.SELECT_WORK, parameters)}
    compared = _load_compared_verdicts(parameters)
    worked = {queue for queue, _ in work if queue is not None}
    return PersonalReport(
        total=_figures_by_period(None, work, compared),
        queues=[
            QueueFigures(title, _figures_by_period(queue, work, [one for one in compared if one.queue == queue]))
            for queue, title in mine.items()
            if queue in worked
        ],
    )


def build_personal_summary(user: User, *, now: datetime | None = None) -> PersonalSummary:
    """The one-line summary; it counts one day's work instead of a month's, so it is cheaper than the report."""
    mine = list(roles.queues_for(user).values_list("pk", flat=True))
    parameters = {"user": user.pk, "queues": mine, **_period_starts(clock.current_time(now))}
    (today,) = sql.fetch_rows(queries.SELECT_TODAY, parameters)
    return PersonalSummary(
        PeriodFigures(days=1, **today), measure_agreement(_load_compared_verdicts(parameters), days=PERIOD_DAYS[-1])
    )


def measure_agreement(compared: Iterable[ComparedVerdict], *, days: int) -> Agreement:
    """How often these verdicts equal the final answer, over the last `days` days."""
    counted = [one.agrees for one in compared if one.days <= days]
    return Agreement(agreed=sum(counted), compared=len(counted))


def start_of_period(now: datetime, *, days: int) -> datetime:
    """The start of a period of `days` days that ends today, in the team's time zone."""
    day = timezone.localdate(now, timezone.get_default_timezone()) - timedelta(days=days - 1)
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_default_timezone())


def _period_starts(now: datetime) -> dict[str, datetime]:
    return {f"since_{days}": start_of_period(now, days=days) for days in PERIOD_DAYS}


def _figures_by_period(
    queue: int | None, work: Mapping[tuple[int | None, int], sql.SqlRow], compared: Sequence[ComparedVerdict]
) -> list[PeriodFigures]:
    return [
        PeriodFigures(**work.get((queue, days), {"days": days}), agreement=measure_agreement(compared, days=days))
        for days in PERIOD_DAYS
    ]


def _load_compared_verdicts(parameters: Mapping[str, Any]) -> list[ComparedVerdict]:
    return [_build_compared_verdict(row) for row in sql.fetch_rows(queries.SELECT_COMPARED_VERDICTS, parameters)]


def _build_compared_verdict(row: sql.SqlRow) -> ComparedVerdict:
    return ComparedVerdict(
        **row | {name: sent_json.parse_sent(row[name]) if row[name] else None for name in ("answer", "settled")}
    )
