"""When each sweep last ended well, and which are late; by the database's clock, which all processes share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from escalation.models import Heartbeat
from escalation.monitoring import queries
from escalation.monitoring.sweeps import SWEEPS, Sweep
from reviewqueue.kernel import sql

# Ends of the same sweep closer together than this share of its period are not written.
UNWRITTEN_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class SweepAge:
    """A sweep, and the seconds since it last ended well; infinite if it never ran."""

    sweep: Sweep
    seconds: float
    tried_seconds: float

    @property
    def is_late(self) -> bool:
        return self.seconds > self.sweep.late_after

    @property
    def has_run(self) -> bool:
        return math.isfinite(self.seconds)


def measure_ages() -> list[SweepAge]:
    """The age of every sweep, in the order of the table."""
    seen = {name: (at, tried) for name, at, tried in sql.fetch_tuples(queries.SELECT_AGES)}
    return [_age_of(sweep, *seen.get(sweep.name, (None, None))) for sweep in SWEEPS]


def find_late_sweeps() -> list[SweepAge]:
    """The sweeps that have not ended well for longer than their `late_after`, or never."""
    return [age for age in measure_ages() if age.is_late]


def record_success(sweep: Sweep) -> None:
    """Record that a sweep has ended well."""
    sql.run_statement(queries.RECORD_SUCCESS, {"name": sweep.name, "unless": sweep.every * UNWRITTEN_SHARE})


def store_detail(name: str, detail: dict[str, Any]) -> None:
    """Keep what a sweep has to remember from one run to the next."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, detail=detail)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["detail"],
    )


def measure_routing_lag_seconds() -> float:
    """The age of the oldest unrouted output, in seconds; 0 if there is none."""
    return max(0.0, float(sql.fetch_value(queries.OLDEST_RECEIVED_SECONDS) or 0.0))


def _age_of(sweep: Sweep, at: float | None, tried: float | None) -> SweepAge:
    return SweepAge(
        sweep,
        seconds=math.inf if at is None else float(at),
        tried_seconds=math.inf if tried is None else float(tried),
    )
