"""Rounds of invariant checks, as the worker runs them: a few checks at a turn, over a bounded number of rows."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

import structlog
from django.db import OperationalError

from escalation.models import Heartbeat
from escalation.monitoring import heartbeats, invariants, queries, windows
from escalation.monitoring.windows import IdRange
from reviewqueue.facade.facts import InvariantCheck
from reviewqueue.kernel import sql

log = structlog.get_logger(__name__)

NAME = "invariants"
SLICE_SECONDS = 0.3  # then the other sweeps of the queue have their turn
CHECK_TIMEOUT_SECONDS = 10.0


@dataclass(slots=True)
class CheckRound:
    """How far the round is, the rows it reads, and the checks that were violated or took too long when last run."""

    next: str = ""
    ranges: dict[str, IdRange] = field(default_factory=dict)
    # Every event up to this id is at least as old as this moment, whatever order they were written in.
    events_id: int = 0
    events_at: str = ""
    broken: list[str] = field(default_factory=list)
    timed_out: list[str] = field(default_factory=list)


def read_round() -> CheckRound:
    """The last round, or the one under way."""
    beat = Heartbeat.objects.filter(name=NAME).first()
    detail: dict[str, Any] = beat.detail if beat else {}
    if not detail:
        return CheckRound()
    return CheckRound(**{**detail, "ranges": {source: IdRange(**ids) for source, ids in detail["ranges"].items()}})


def run_next_checks() -> bool:
    """Run checks for about `SLICE_SECONDS`, and store the results for pages and probes; whether the round is complete.

    A check that takes too long is reported as such, not as violated, and is run again in the next round.
    """
    checks = {check.name: check for check in invariants.list_all_invariants()}
    names, until = list(checks), time.monotonic() + SLICE_SECONDS
    state = read_round()
    if state.next not in checks:
        state.next = names[0]
        state.ranges = windows.move_on(windows.find_sources(check.sql for check in checks.values()), state.ranges)
        state.events_id, state.events_at = _move_events_on(state)
    for name in names[names.index(state.next) :]:
        if time.monotonic() > until:
            state.next = name
            break
        _record_result(state, name, holds=_run_check(checks[name], state))
    else:
        state.next = ""
    state.broken, state.timed_out = (
        [name for name in names if name in found] for found in (state.broken, state.timed_out)
    )
    heartbeats.store_detail(NAME, asdict(state))
    return not state.next


def _run_check(check: InvariantCheck, state: CheckRound) -> bool | None:
    """Whether it holds; None if it took too long."""
    text = windows.limit_rows(check.sql, state.ranges).replace(
        invariants.EVENTS_BEFORE, queries.EVENTS_BEFORE_WINDOW.format(id=state.events_id, at=state.events_at)
    )
    try:
        rows = invariants.find_offending_rows(check, text=text, seconds=CHECK_TIMEOUT_SECONDS)
    except OperationalError as error:
        if not sql.is_timeout(error):
            raise
        log.error("invariant.check_timed_out", check=check.name, error=str(error).strip())  # noqa: TRY400 - not a bug
        return None
    if rows:
        log.error("invariant.violated", check=check.name, rows=[str(row) for row in rows[:5]])
    return not rows


def _record_result(state: CheckRound, name: str, *, holds: bool | None) -> None:
    for names, applies in ((state.broken, holds is False), (state.timed_out, holds is None)):
        if applies and name not in names:
            names.append(name)
        elif not applies and name in names:
            names.remove(name)


def _move_events_on(state: CheckRound) -> tuple[int, str]:
    """The first round leaves out what was there before it, so that it need not read all events."""
    parameters = {"rows": invariants.RECENT_EVENT_ROWS, "id": state.events_id}
    until, latest, now, head = sql.fetch_tuple(queries.MEASURE_EVENTS, parameters) or (None,) * 4
    if not state.events_at:
        return head or 0, now.isoformat()
    return (until, max(latest.isoformat(), state.events_at)) if until else (state.events_id, state.events_at)
