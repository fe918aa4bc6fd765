"""The gauges for monitoring, read from the database only: every process gives the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from escalation.monitoring import heartbeats, rounds
from reviewqueue.facade import queue
from reviewqueue.kernel import clock


@dataclass(frozen=True, slots=True)
class Gauge:
    """One metric: its values by label values."""

    name: str
    meaning: str
    labels: Sequence[str]
    values: Sequence[tuple[Sequence[str], float]]


def collect_gauges() -> list[Gauge]:
    """The metrics of the whole product."""
    loads = queue.measure_loads()
    ages = heartbeats.measure_ages()
    results = rounds.read_round()
    return [
        Gauge(
            "behind_seconds",
            "Age of the oldest unrouted output.",
            (),
            [((), heartbeats.measure_routing_lag_seconds())],
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
            "Time since the sweep last ended well; infinite if it never ran.",
            ("name",),
            [((age.sweep.name,), max(0.0, age.seconds)) for age in ages],
        ),
        Gauge(
            "sweep_round_age_seconds",
            "Time since the sweep last did all that it had to do; infinite if it never did.",
            ("name",),
            [((age.sweep.name,), max(0.0, age.round_seconds)) for age in ages if age.round_seconds is not None],
        ),
        Gauge(
            "sweep_late",
            "1 if the sweep is later than it should ever be.",
            ("name",),
            [((age.sweep.name,), float(age.is_late)) for age in ages],
        ),
        Gauge(
            "ledger_broken_checks",
            "Invariants that were violated at the last check.",
            (),
            [((), len(results.broken))],
        ),
        Gauge(
            "ledger_unfinished_checks",
            "Invariant checks that took too long, so that nobody knows the result.",
            (),
            [((), len(results.timed_out))],
        ),
    ]


def _age_seconds(moment: datetime | None) -> float:
    return (clock.current_time() - moment).total_seconds() if moment else 0.0
