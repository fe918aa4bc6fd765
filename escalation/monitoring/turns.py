"""A worker's turn: run what of a task queue is due.

Every worker sends itself a turn a second, so turns may be lost, doubled or late. What is due is decided here by rows
and the database's clock, never by messages or by the clock of a machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from celery.exceptions import SoftTimeLimitExceeded

from escalation.monitoring import heartbeats, queries, sweeps
from escalation.monitoring.heartbeats import SweepAge
from escalation.monitoring.sweeps import Sweep
from reviewqueue.kernel import sql

log = structlog.get_logger(__name__)

# After so long, what is still due is left to the next turn, so that no turn reaches its time limit.
TURN_SECONDS = 5.0
# A sweep with much to do goes on at the next turn, so that the others of its queue are not late.
WORK_SECONDS = 3.0
# A sweep that failed, or did not finish, is tried again after this time.
RETRY_SECONDS = 5.0
# Turns come once a second, more or less: a sweep is due a little early rather than a whole turn late.
SLACK_SECONDS = 0.5


def run_due_sweeps(task_queue: str, run: Callable[[Sweep], bool | None], *, at_once: str = "") -> None:
    """Run this queue's sweeps that are due, the one that is most overdue first, and `at_once` in any case.

    `run` returns False for a sweep that has more to do: it is not recorded as done, and goes on at a later turn. One
    that fails does not keep the others from running. Without a database nothing runs, and the next turn tries again.
    """
    began = time.monotonic()
    try:
        if at_once:
            _run_sweep(sweeps.BY_NAME[at_once], run)
        for sweep in _find_due(task_queue):
            if time.monotonic() - began > TURN_SECONDS:
                break
            if _take_sweep(sweep):
                _run_sweep(sweep, run)
    except Exception as error:
        if not sql.is_outage(error):
            raise
        log.error("sweep.database_unavailable", queue=task_queue, error=str(error).strip())  # noqa: TRY400 - not a bug


def repeat_while_work(do: Callable[[], int]) -> None:
    """Call `do` until it finds nothing to do, or for `WORK_SECONDS`."""
    until = time.monotonic() + WORK_SECONDS
    while do() and time.monotonic() < until:
        pass


def _find_due(task_queue: str) -> list[Sweep]:
    ages = [age for age in heartbeats.measure_ages() if age.sweep.task_queue == task_queue]
    if new := [age.sweep.name for age in ages if not age.has_run]:
        sql.run_statement(queries.EXPECT_SWEEPS, [new])
    due = [age for age in ages if age.has_run and _is_due(age)]
    return [age.sweep for age in sorted(due, key=lambda age: -age.seconds / age.sweep.every)]


def _is_due(age: SweepAge) -> bool:
    return not (0 <= age.seconds < _period(age.sweep)) and not (0 <= age.tried_seconds < _pause(age.sweep))


def _take_sweep(sweep: Sweep) -> bool:
    """Whether this worker is the one to run it."""
    parameters = {"name": sweep.name, "every": _period(sweep), "retry": _pause(sweep)}
    return bool(sql.run_statement(queries.TAKE_SWEEP, parameters))


def _run_sweep(sweep: Sweep, run: Callable[[Sweep], bool | None]) -> None:
    try:
        if run(sweep) is not False:
            heartbeats.record_success(sweep)
    except SoftTimeLimitExceeded:
        log.error("sweep.timed_out", sweep=sweep.name)  # noqa: TRY400 - where it was interrupted is chance
        raise
    except Exception as error:
        if sql.is_outage(error):
            raise
        log.exception("sweep.failed", sweep=sweep.name)


def _period(sweep: Sweep) -> float:
    return sweep.every - SLACK_SECONDS


def _pause(sweep: Sweep) -> float:
    return min(_period(sweep), RETRY_SECONDS)
