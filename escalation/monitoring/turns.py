"""A worker's turn: run what of a task queue is due.

Every worker sends itself a turn a second, so turns may be lost, doubled or late. What is due is decided here by rows
and the database's clock, never by messages or by the clock of a machine.

Every sweep has a turn each few seconds, so that one that stands still is seen at once. Those with rounds (`Round`) find
nothing to do at most of their turns: nothing has happened since the last round began, or that round took so much work
that the next one waits. Such turns are recorded together, by one statement.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

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
# A round on news begins only this many times the work of the last one after it: so a sweep takes a bounded share of a
# core under load, however much there is to do at once.
REST_PER_WORK = 20.0


@dataclass(slots=True)
class _RoundWork:
    """What this process did for a sweep's rounds. `seen`: the last event before the last complete round began."""

    seen: int = -1
    began_at: int | None = None
    spent_seconds: float = 0.0
    last_seconds: float = 0.0


# Of this process only: one that has just started, or a second worker, runs a round more than it had to.
_work: dict[str, _RoundWork] = {}


def run_due_sweeps(task_queue: str, run: Callable[[Sweep], bool | None], *, at_once: str = "") -> None:
    """Run this queue's sweeps that are due, the one that is most overdue first, and `at_once` in any case.

    `run` returns False for a sweep that has more to do: its round goes on at its next turn. One
    that fails does not keep the others from running. Without a database nothing runs, and the next turn tries again.
    """
    began = time.monotonic()
    try:
        if at_once:
            _run_sweep(sweeps.BY_NAME[at_once], run)
        due = _find_due(task_queue)
        last_event = heartbeats.find_last_event() if any(_waits_for_news(age.sweep) for age in due) else 0
        busy = [age.sweep for age in due if _has_work(age, last_event)]
        heartbeats.record_turns(age.sweep for age in due if age.sweep not in busy)
        for sweep in busy:
            if time.monotonic() - began > TURN_SECONDS:
                break
            if _take_sweep(sweep):
                _run_sweep(sweep, run, last_event=last_event)
    except Exception as error:
        if not sql.is_outage(error):
            raise
        log.error("sweep.database_unavailable", queue=task_queue, error=str(error).strip())  # noqa: TRY400 - not a bug


def repeat_while_work(do: Callable[[], int]) -> None:
    """Call `do` until it finds nothing to do, or for `WORK_SECONDS`."""
    until = time.monotonic() + WORK_SECONDS
    while do() and time.monotonic() < until:
        pass


def _find_due(task_queue: str) -> list[SweepAge]:
    ages = [age for age in heartbeats.measure_ages() if age.sweep.task_queue == task_queue]
    if new := [name for age in ages if not age.has_run for name in _list_rows(age.sweep)]:
        sql.run_statement(queries.EXPECT_SWEEPS, [new])
    due = [age for age in ages if age.has_run and _is_due(age)]
    return sorted(due, key=lambda age: -age.seconds / age.sweep.every)


def _list_rows(sweep: Sweep) -> list[str]:
    return [sweep.name, sweep.round_name] if sweep.round else [sweep.name]


def _waits_for_news(sweep: Sweep) -> bool:
    return sweep.round is not None and sweep.round.on_news


def _has_work(age: SweepAge, last_event: int) -> bool:
    """Whether the task has to run at this turn: a round is due, or was not completed."""
    wanted = age.sweep.round
    if wanted is None or age.round_seconds is None:
        return True
    work = _work.setdefault(age.sweep.name, _RoundWork())
    if not 0 <= age.round_seconds < wanted.every - SLACK_SECONDS:
        return True
    return wanted.on_news and last_event != work.seen and age.round_seconds >= REST_PER_WORK * work.last_seconds


def _is_due(age: SweepAge) -> bool:
    return not (0 <= age.seconds < _period(age.sweep)) and not (0 <= age.tried_seconds < _pause(age.sweep))


def _take_sweep(sweep: Sweep) -> bool:
    """Whether this worker is the one to run it."""
    parameters = {"name": sweep.name, "every": _period(sweep), "retry": _pause(sweep)}
    return bool(sql.run_statement(queries.TAKE_SWEEP, parameters))


def _run_sweep(sweep: Sweep, run: Callable[[Sweep], bool | None], *, last_event: int = 0) -> None:
    try:
        work = _work.setdefault(sweep.name, _RoundWork())
        work.began_at = last_event if work.began_at is None else work.began_at
        began = time.monotonic()
        is_complete = run(sweep) is not False
        work.spent_seconds += time.monotonic() - began
        if is_complete:
            heartbeats.record_success(sweep)
            _work[sweep.name] = _RoundWork(seen=work.began_at, last_seconds=work.spent_seconds)
        elif sweep.round:
            heartbeats.record_turns([sweep])
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
