"""Heartbeats: rows that the worker and each sweep update, and the gauges for monitoring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models.functions import Now

from escalation.models import Heartbeat
from escalation.monitoring import queries
from reviewqueue.facade import queue
from reviewqueue.kernel import clock, sql

# Name -> description shown if the heartbeat is missing.
EXPECTED_HEARTBEATS = {
    "worker": "the worker that routes outputs",
    "settling": "the sweep that settles verdicts",
    "deadlines": "the sweep that watches deadlines",
}
HEARTBEAT_TIMEOUT = timedelta(seconds=60)


def record_heartbeat(name: str, **detail: Any) -> None:
    """Record that `name` is alive, with optional details."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=Now(), detail=detail)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at", "detail"],
    )


def lock_heartbeat_detail(name: str) -> dict[str, Any]:
    """The details of the last heartbeat; the row stays locked until the transaction ends."""
    last = Heartbeat.objects.select_for_update().filter(name=name).first()
    return last.detail if last else {}


def find_missing_heartbeats() -> list[str]:
    """The names of the expected heartbeats that are more than a minute old or missing."""
    alive = set(Heartbeat.objects.filter(at__gt=Now() - HEARTBEAT_TIMEOUT).values_list("name", flat=True))
    return [name for name in EXPECTED_HEARTBEATS if name not in alive]


def measure_routing_lag_seconds() -> float:
    """The age of the oldest unrouted output, in seconds; 0 if there is none."""
    return max(0.0, float(sql.fetch_value(queries.OLDEST_RECEIVED_SECONDS) or 0.0))


@dataclass(frozen=True, slots=True)
class Gauge:
    """One metric: its values by label values."""

    name: str
    meaning: str
    labels: Sequence[str]
    values: Sequence[tuple[Sequence[str], float]]


def collect_gauges() -> list[Gauge]:
    """The metrics of the whole product, read from the database only."""
    loads = queue.measure_loads()
    return [
        Gauge(
            "behind_seconds",
            "Age of the oldest unrouted output.",
            (),
            [((), measure_routing_lag_seconds())],
        ),
        Gauge(
            "waiting_items",
            "Items waiting for review.",
            ("queue",),
            [((slug,), load.waiting) for slug, load in loads.items()],
        ),
        Gauge(
            "oldest_item_seconds",
            "How long the oldest item has been waiting.",
            ("queue",),
            [((slug,), _age_seconds(load.oldest_at)) for slug, load in loads.items()],
        ),
        Gauge(
            "heartbeat_age_seconds",
            "Time since the worker or a sweep was last seen.",
            ("name",),
            [((beat.name,), _age_seconds(beat.at)) for beat in Heartbeat.objects.all()],
        ),
        Gauge(
            "ledger_broken_checks",
            "Invariants that failed at the last check, or whose check timed out.",
            (),
            [((), _count_broken_checks())],
        ),
    ]


def _count_broken_checks() -> int:
    beat = Heartbeat.objects.filter(name="ledger").first()
    return len(beat.detail.get("broken", [])) if beat else 0


def _age_seconds(moment: datetime | None) -> float:
    return (clock.current_time() - moment).total_seconds() if moment else 0.0
