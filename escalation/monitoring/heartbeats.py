"""When each sweep last ended well, and which are late; by the database's clock, which all processes share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
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
    """A sweep, and the seconds since it last ended well, and was last tried; infinite if it never was.

    `round_seconds`: since its last round was complete; None if it has no rounds.
    """

    sweep: Sweep
    seconds: float
    tried_seconds: float
    round_seconds: float | None = None

    @property
    def is_late(self) -> bool:
        is_round_late = self.sweep.round is not None and (self.round_seconds or 0.0) > self.sweep.round.late_after
        return self.seconds > self.sweep.late_after or is_round_late

    @property
    def done_seconds(self) -> float:
        """Since all that it has to do was last done; for pages."""
        return max(self.seconds, self.round_seconds or 0.0)

    @property
    def has_run(self) -> bool:
        return math.isfinite(self.seconds) and math.isfinite(self.round_seconds or 0.0)


def measure_ages() -> list[SweepAge]:
    """The age of every sweep, in the order of the table."""
    seen = {name: (_seconds(at), _seconds(tried)) for name, at, tried in sql.fetch_tuples(queries.SELECT_AGES)}
    never = (math.inf, math.inf)
    return [
        SweepAge(sweep, *seen.get(sweep.name, never), seen.get(sweep.round_name, never)[0] if sweep.round else None)
        for sweep in SWEEPS
    ]


def find_late_sweeps() -> list[SweepAge]:
    """The sweeps that have not ended well for longer than their `late_after`, or never."""
    return [age for age in measure_ages() if age.is_late]


def record_success(sweep: Sweep) -> None:
    """Record that a sweep has ended well, with all that it had to do."""
    _record_ends({sweep.name: sweep.every, **({sweep.round_name: sweep.every} if sweep.round else {})})


def record_turns(taken: Iterable[Sweep]) -> None:
    """Record that these sweeps had their turn, and either found nothing to do or have more to do."""
    _record_ends({sweep.name: sweep.every for sweep in taken})


def find_last_event() -> int:
    """The id of the latest event: while it is the same, nothing has happened. 0 if there is none."""
    return int(sql.fetch_value(queries.LAST_EVENT) or 0)


def _record_ends(periods: Mapping[str, float]) -> None:
    if periods:
        unwritten = [every * UNWRITTEN_SHARE for every in periods.values()]
        sql.run_statement(queries.RECORD_SUCCESS, {"names": list(periods), "unless": unwritten})


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


def _seconds(age: float | None) -> float:
    return math.inf if age is None else float(age)
