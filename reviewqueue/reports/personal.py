"""A person's own numbers: how much, how fast, how often what they said became the final answer. Nobody else's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from reviewqueue.accounts import roles
from reviewqueue.answers import schema
from reviewqueue.kernel import clock, sql
from reviewqueue.models import User
from reviewqueue.verdicts import settlement

DAYS = (1, 7, 30)  # today, and so many days with today among them
ENOUGH = 5  # below this, a share says nothing
_MOST_COMPARED = 2_000  # of a person's latest verdicts: what bounds the work for whoever gives thousands a day


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of `judged` verdicts on settled items that others judged too, `same` say what became the final answer."""

    same: int = 0
    judged: int = 0

    @property
    def share(self) -> float | None:
        """Between 0 and 1; None while there are too few."""
        return self.same / self.judged if self.judged >= ENOUGH else None


@dataclass(frozen=True, slots=True)
class Figures:
    """`median_seconds` of attention per item, None where none was measured."""

    days: int
    count: int = 0
    median_seconds: float | None = None
    agreement: Agreement = field(default_factory=Agreement)


@dataclass(frozen=True, slots=True)
class OfQueue:
    title: str
    figures: Sequence[Figures]


@dataclass(frozen=True, slots=True)
class Numbers:
    """Figures over each of DAYS, in all and by queue."""

    whole: Sequence[Figures]
    queues: Sequence[OfQueue]

    @property
    def month(self) -> Figures:
        return self.whole[-1]


@dataclass(frozen=True, slots=True)
class Glance:
    """What fits on a line: `today`, and the agreement of the last thirty days, because a day's is rarely known."""

    today: Figures
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Compared:
    """A verdict of a queue, so many days old at most, beside what was settled."""

    queue: int
    days: int
    kind: str
    answer: Any
    outcome: str
    settled: Any

    @property
    def same(self) -> bool:
        return settlement.OUTCOMES.get(self.kind) == self.outcome and schema.same(self.answer, self.settled)


_PERIODS = "(VALUES (1, %(since_1)s::timestamptz), (7, %(since_7)s), (30, %(since_30)s)) AS p(days, since)"
_WORK = f"""
SELECT i.queue_id AS queue, p.days, count(*) AS count,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY v.active_seconds) AS median_seconds
FROM {_PERIODS}
JOIN reviewqueue_verdict v ON v.user_id = %(user)s AND v.undone_at IS NULL AND v.submitted_at >= p.since
    AND v.submitted_at >= %(since_30)s
JOIN reviewqueue_item i ON i.id = v.item_id AND i.queue_id = ANY(%(queues)s)
GROUP BY GROUPING SETS ((i.queue_id, p.days), (p.days))
"""  # noqa: S608 - put together from constants, not from input
_TODAY = """
SELECT count(*) AS count, percentile_cont(0.5) WITHIN GROUP (ORDER BY v.active_seconds) AS median_seconds
FROM reviewqueue_verdict v
JOIN reviewqueue_item i ON i.id = v.item_id AND i.queue_id = ANY(%(queues)s)
WHERE v.user_id = %(user)s AND v.undone_at IS NULL AND v.submitted_at >= %(since_1)s
"""
# What others judged too. Who had the final say agrees with it by that alone, so it is no agreement. A verdict that
# asks a lead is no opinion.
_COMPARED = f"""
SELECT i.queue_id AS queue, min(p.days) AS days, v.kind, v.answer::text AS answer, l.outcome, l.answer::text AS settled
FROM (SELECT * FROM reviewqueue_verdict WHERE user_id = %(user)s AND undone_at IS NULL
        AND submitted_at >= %(since_30)s ORDER BY submitted_at DESC LIMIT {_MOST_COMPARED}) v
JOIN {_PERIODS} ON v.submitted_at >= p.since
JOIN reviewqueue_item i ON i.id = v.item_id AND i.state = 'settled' AND i.queue_id = ANY(%(queues)s)
JOIN reviewqueue_label l ON l.item_id = i.id AND l.round = i.round
WHERE NOT v.final_say AND v.kind <> 'escalate'
    AND EXISTS (SELECT FROM reviewqueue_verdict o WHERE o.id = ANY(l.verdicts) AND o.user_id <> v.user_id)
GROUP BY v.id, i.queue_id, v.kind, v.answer, l.outcome, l.answer
"""  # noqa: S608 - put together from constants, not from input


def of(user: User, *, now: datetime | None = None) -> Numbers:
    """The person's numbers in the queues that are theirs, by days of the team's time zone."""
    mine = {queue.pk: queue.title for queue in roles.queues_for(user)}
    parameters = {"user": user.pk, "queues": list(mine), **_since(clock.current(now))}
    work = {(row.pop("queue"), row["days"]): row for row in sql.rows(_WORK, parameters)}
    compared = _all_compared(parameters)
    worked = {queue for queue, _ in work if queue is not None}
    return Numbers(
        whole=_all_figures(None, work, compared),
        queues=[
            OfQueue(title, _all_figures(queue, work, [one for one in compared if one.queue == queue]))
            for queue, title in mine.items()
            if queue in worked
        ],
    )


def glance(user: User, *, now: datetime | None = None) -> Glance:
    """The same in short, at the price of a day instead of a month."""
    mine = list(roles.queues_for(user).values_list("pk", flat=True))
    parameters = {"user": user.pk, "queues": mine, **_since(clock.current(now))}
    (today,) = sql.rows(_TODAY, parameters)
    return Glance(Figures(days=1, **today), agreement(_all_compared(parameters), days=DAYS[-1]))


def agreement(compared: Iterable[Compared], *, days: int) -> Agreement:
    """How often these verdicts were the final answer, over the last so many days."""
    counted = [one.same for one in compared if one.days <= days]
    return Agreement(same=sum(counted), judged=len(counted))


def first_moment(now: datetime, *, days: int) -> datetime:
    """When the first of so many days began in the team's time zone, today the last of them."""
    day = timezone.localdate(now, timezone.get_default_timezone()) - timedelta(days=days - 1)
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_default_timezone())


def _since(now: datetime) -> dict[str, datetime]:
    return {f"since_{days}": first_moment(now, days=days) for days in DAYS}


def _all_figures(
    queue: int | None, work: Mapping[tuple[int | None, int], sql.Row], compared: Sequence[Compared]
) -> list[Figures]:
    return [
        Figures(**work.get((queue, days), {"days": days}), agreement=agreement(compared, days=days)) for days in DAYS
    ]


def _all_compared(parameters: Mapping[str, Any]) -> list[Compared]:
    return [_compared(row) for row in sql.rows(_COMPARED, parameters)]


def _compared(row: sql.Row) -> Compared:
    return Compared(**row | {name: json.loads(row[name]) if row[name] else None for name in ("answer", "settled")})
