"""Signs of life: rows that the worker and each sweep renew, and what is missing when they don't."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from escalation.models import Heartbeat
from reviewqueue.kernel import clock
from reviewqueue.queue import items

# Name -> what a person is told when it has not been seen.
WATCHED = {
    "worker": "the worker that routes outputs",
    "settling": "the sweep that settles verdicts",
    "deadlines": "the sweep that watches deadlines",
}
SILENCE = timedelta(seconds=60)


def beat(name: str, **detail: Any) -> None:
    """Say that `name` is alive."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=Now(), detail=detail)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at", "detail"],
    )


def detail(name: str) -> dict[str, Any]:
    """What its last beat said; nobody else's comes before the end of the transaction."""
    last = Heartbeat.objects.select_for_update().filter(name=name).first()
    return last.detail if last else {}


def degraded() -> list[str]:
    """The names of what has not been seen for a minute."""
    alive = set(Heartbeat.objects.filter(at__gt=Now() - SILENCE).values_list("name", flat=True))
    return [name for name in WATCHED if name not in alive]


def behind_seconds() -> float:
    """The age of the oldest output that waits to be routed; 0 when none does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXTRACT(epoch FROM clock_timestamp() - received_at) FROM escalation_output "
            "WHERE state = 'received' ORDER BY id LIMIT 1"
        )
        row = cursor.fetchone()
    return max(0.0, float(row[0])) if row else 0.0


@dataclass(frozen=True, slots=True)
class Gauge:
    """One figure for monitoring: its values by label values."""

    name: str
    meaning: str
    labels: Sequence[str]
    values: Sequence[tuple[Sequence[str], float]]


def gauges() -> list[Gauge]:
    """What a monitor watches, from rows alone."""
    loads = items.load()
    return [
        Gauge("behind_seconds", "Age of the oldest output that waits to be routed.", (), [((), behind_seconds())]),
        Gauge(
            "waiting_items",
            "Items that wait for people.",
            ("queue",),
            [((slug,), load.waiting) for slug, load in loads.items()],
        ),
        Gauge(
            "oldest_item_seconds",
            "How long the oldest item has been waiting.",
            ("queue",),
            [((slug,), _age(load.oldest_at)) for slug, load in loads.items()],
        ),
        Gauge(
            "heartbeat_age_seconds",
            "Time since the worker or a sweep was last seen.",
            ("name",),
            [((beat.name,), _age(beat.at)) for beat in Heartbeat.objects.all()],
        ),
        Gauge(
            "ledger_broken_checks",
            "Invariants that did not hold at the last check, or could not be proved in time.",
            (),
            [((), _broken_checks())],
        ),
    ]


def _broken_checks() -> int:
    beat = Heartbeat.objects.filter(name="ledger").first()
    return len(beat.detail.get("broken", [])) if beat else 0


def _age(moment: datetime | None) -> float:
    return (clock.current() - moment).total_seconds() if moment else 0.0
