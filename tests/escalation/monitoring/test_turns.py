"""A worker's turn runs what is due by rows and the database's clock, whatever messages and other clocks say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError
from django.db.models import F
from pytest_django import DjangoAssertNumQueries

from escalation.models import Heartbeat
from escalation.monitoring import heartbeats, turns
from escalation.monitoring.sweeps import BY_NAME, MAINTENANCE, PEOPLE, ROUTING, SWEEPS, Sweep
from reviewqueue.activity import log

ROUND = BY_NAME["waiting"]
OF_PEOPLE = [sweep.name for sweep in SWEEPS if sweep.task_queue == PEOPLE]


@pytest.fixture
def ran(db: None) -> list[str]:
    """The sweeps that ran, in order. All of the people's are expected from now on."""
    turns._work.clear()
    turns.run_due_sweeps(PEOPLE, lambda sweep: None)
    return []


def _age(seconds: float, *names: str) -> None:
    """Make it later for these sweeps."""
    change = timedelta(seconds=seconds)
    rows = names or [*OF_PEOPLE, ROUND.round_name]
    Heartbeat.objects.filter(name__in=rows).update(at=F("at") - change, tried_at=F("tried_at") - change)


def _noting(ran: list[str], *, raising: Exception | None = None) -> Callable[[Sweep], None]:
    def run(sweep: Sweep) -> None:
        ran.append(sweep.name)
        if raising is not None:
            raise raising

    return run


def test_a_sweep_runs_once_each_time_that_it_is_due_however_many_turns_come(ran: list[str]) -> None:
    for _ in range(3):
        turns.run_due_sweeps(PEOPLE, _noting(ran))
    assert ran == [], "nothing is due yet"
    _age(1)
    for _ in range(3):
        turns.run_due_sweeps(PEOPLE, _noting(ran))
    assert ran == ["settling"]
    _age(10)
    turns.run_due_sweeps(PEOPLE, _noting(ran))
    assert ran == ["settling", "settling", "deadlines", "waiting"], "the most overdue first"
    turns.run_due_sweeps(ROUTING, _noting(ran))
    assert len(ran) == 4, "sweeps of other queues are not run"


def test_a_failing_sweep_stops_no_other_and_is_tried_again_soon_but_not_at_once(ran: list[str]) -> None:
    _age(60)
    turns.run_due_sweeps(PEOPLE, _noting(ran, raising=ValueError("broken")))
    assert sorted(ran) == sorted(OF_PEOPLE)
    turns.run_due_sweeps(PEOPLE, _noting(ran))
    assert sorted(ran) == sorted(OF_PEOPLE)
    assert min(age.seconds for age in heartbeats.measure_ages() if age.sweep.task_queue == PEOPLE) > 59
    _age(turns.RETRY_SECONDS)
    turns.run_due_sweeps(PEOPLE, _noting(ran))
    assert sorted(ran) == sorted(OF_PEOPLE * 2)


def test_a_round_that_has_more_to_do_goes_on_at_each_turn_and_is_late_until_it_is_complete(ran: list[str]) -> None:
    _age(60)
    turns.run_due_sweeps(PEOPLE, lambda sweep: False)
    assert {age.sweep.name for age in heartbeats.find_late_sweeps() if age.has_run} == {*OF_PEOPLE}
    assert _measure(ROUND).seconds < 3, "it has its turns"
    _age(3)
    turns.run_due_sweeps(PEOPLE, _noting(ran))
    assert ROUND.name in ran
    assert ROUND not in [age.sweep for age in heartbeats.find_late_sweeps()]


def test_a_round_begins_once_something_has_happened_and_after_its_time(ran: list[str]) -> None:
    _age(12)
    turns.run_due_sweeps(PEOPLE, _noting(ran))
    assert ROUND.name in ran
    ran.clear()
    _age(4)
    turns.run_due_sweeps(PEOPLE, _noting(ran))
    assert ROUND.name not in ran, "nothing is new"
    assert _measure(ROUND).seconds < 1, "but it had its turn"
    log.record_event(actor="user:ann", verb="x", object_type="x", object_id="x")
    _age(4)
    turns.run_due_sweeps(PEOPLE, _noting(ran))
    assert ROUND.name in ran


def test_after_much_work_the_next_round_on_news_waits(ran: list[str]) -> None:
    log.record_event(actor="user:ann", verb="x", object_type="x", object_id="x")
    turns._work[ROUND.name] = turns._RoundWork(last_seconds=0.25)
    for seconds, runs in ((4, 0), (3, 1)):
        _age(seconds)
        turns.run_due_sweeps(PEOPLE, _noting(ran))
        assert ran.count(ROUND.name) == runs


def test_a_turn_without_work_takes_as_many_statements_as_one_sweep(
    ran: list[str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    turns.run_due_sweeps(MAINTENANCE, lambda sweep: None)
    names = [sweep.name for sweep in SWEEPS if sweep.task_queue == MAINTENANCE]
    _age(60, *names, *(BY_NAME[name].round_name for name in names))
    turns.run_due_sweeps(MAINTENANCE, lambda sweep: None)
    _age(3, *names)
    with django_assert_num_queries(3):  # ages, last event, ends
        turns.run_due_sweeps(MAINTENANCE, _noting(ran))
    assert ran == []


def _measure(sweep: Sweep) -> heartbeats.SweepAge:
    return next(age for age in heartbeats.measure_ages() if age.sweep == sweep)


def test_without_a_database_a_turn_ends_and_a_time_limit_is_passed_on(ran: list[str]) -> None:
    _age(60)
    turns.run_due_sweeps(PEOPLE, _noting(ran, raising=OperationalError("away")))
    assert len(ran) == 1
    with pytest.raises(SoftTimeLimitExceeded):
        turns.run_due_sweeps(PEOPLE, _noting(ran, raising=SoftTimeLimitExceeded()))


def test_a_database_whose_clock_was_set_back_does_not_hold_sweeps_up(ran: list[str]) -> None:
    _age(-3600)
    turns.run_due_sweeps(PEOPLE, _noting(ran))
    assert sorted(ran) == sorted(OF_PEOPLE)
    turns.run_due_sweeps(PEOPLE, _noting(ran))
    assert len(ran) == len(OF_PEOPLE)


def test_a_wakeup_runs_its_sweep_even_if_it_is_not_due(ran: list[str]) -> None:
    for _ in range(2):
        turns.run_due_sweeps(ROUTING, _noting(ran), at_once="worker")
    assert ran == ["worker", "worker"]
