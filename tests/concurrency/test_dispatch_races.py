"""Concurrent workers, producers and people working on the same outputs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.db import transaction

from escalation.decisions import deadlines, feed, settle, withdraw
from escalation.models import Decision, DispatchBatch, Output, Route, Stream
from escalation.monitoring import invariants
from escalation.routing import dispatch, record
from reviewqueue.models import Item, User
from tests.helpers import stream_setup
from tests.helpers.races import filter_results, race
from tests.helpers.route_replay import read_stored_decisions, replay_routes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "BATCH_ROWS", 40)
    monkeypatch.setattr(dispatch, "ABANDONED_AFTER_SECONDS", 0)


def _until_nothing_waits() -> int:
    routed = 0
    while Output.objects.received().exists():
        routed += dispatch.route_received()
    return routed


def test_concurrent_workers_route_every_output_once(stream: Stream) -> None:
    stream_setup.post_outputs(
        stream, *stream_setup.build_outputs(400), *stream_setup.build_outputs(400, first=1000, confidence=0.9)
    )
    routed = race(*[_until_nothing_waits] * 4)
    assert sum(filter_results(int, routed)) == 800, routed
    assert Route.objects.count() == 800
    assert Item.objects.count() == Decision.objects.count() == 400
    dispatch.route_received()
    assert not DispatchBatch.objects.exists()
    assert invariants.find_violations() == []


def test_a_waiting_producer_and_a_worker_route_an_output_once(stream: Stream) -> None:
    found = stream_setup.post_outputs(stream, *stream_setup.build_outputs(60, confidence=0.9))
    ids = [one.output_id for one in found if one.output_id]
    results = race(_until_nothing_waits, *[partial(dispatch.route_now, ids[place::3], seconds=5) for place in range(3)])
    assert filter_results(Exception, results) == []
    assert Route.objects.count() == Decision.objects.count() == 60
    assert invariants.find_violations() == []


def test_a_waiting_producer_is_answered_while_another_process_locks_the_output(stream: Stream) -> None:
    (result,) = stream_setup.post_outputs(stream, stream_setup.build_output())
    assert result.output_id
    locked, done = Event(), Event()

    def keep() -> None:
        with transaction.atomic():
            record.lock_received([result.output_id or 0], skip_locked=False)
            locked.set()
            assert done.wait(30)

    def wait() -> None:
        assert locked.wait(30)
        dispatch.route_now([result.output_id or 0], seconds=0.05)
        done.set()

    assert filter_results(Exception, race(keep, wait)) == []
    assert stream_setup.find_output(stream).state == "received"
    assert dispatch.route_received() == 1


def test_each_output_uses_exactly_one_policy_during_an_activation(stream: Stream) -> None:
    versions = {stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": 0.3}, hours=1)}
    stream_setup.post_outputs(
        stream, *[stream_setup.build_output(f"ticket-{number}", confidence=number / 1000) for number in range(1000)]
    )

    def activate() -> None:
        for hours, threshold in enumerate((0.2, 0.9, 0.5), start=2):
            versions.add(stream_setup.activate_policy(stream, threshold=threshold, audit={"rate": 0.1}, hours=hours))

    results = race(_until_nothing_waits, _until_nothing_waits, activate)
    assert filter_results(Exception, results) == []
    written = list(Route.objects.all())
    assert len(written) == 1000
    assert {route.policy_id for route in written} <= versions
    assert replay_routes(written) == read_stored_decisions(written)
    assert invariants.find_violations() == []


@pytest.mark.parametrize("turn", range(4))
def test_withdrawing_and_routing_do_not_deadlock(stream: Stream, turn: int) -> None:
    stream_setup.post_outputs(
        stream, *stream_setup.build_outputs(30, confidence=0.9), *stream_setup.build_outputs(30, first=100)
    )
    withdrawals: list[Callable[[], Any]] = [
        partial(withdraw.withdraw_output, stream=stream, external_id=f"ticket-{number}", actor="key:1")
        for number in (1, 15, 30, 100, 115, 129)
    ]
    results = race(_until_nothing_waits, *withdrawals)
    assert filter_results(Exception, results) == []
    withdrawn = Output.objects.filter(state="withdrawn")
    assert withdrawn.count() == 6
    assert not Item.objects.open().filter(pk__in=withdrawn).exists()
    feed.number_decisions()
    assert invariants.find_violations() == []


@pytest.mark.parametrize("turn", range(4))
def test_withdrawing_settling_and_deadlines_do_not_deadlock(stream: Stream, rob: User, turn: int) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, on_deadline="reject")
    stream_setup.route_outputs(
        stream,
        *stream_setup.build_outputs(20),
        *stream_setup.build_outputs(20, first=100, due_at="2026-03-01T12:00:00Z"),
    )
    for _ in range(30):
        stream_setup.judge_next(rob, "correct", "billing")
    names = [f"ticket-{number}" for number in (*range(1, 21, 3), *range(100, 120, 3))]
    withdrawals: list[Callable[[], Any]] = [
        partial(withdraw.withdraw_output, stream=stream, external_id=name, actor="key:1") for name in names
    ]
    results = race(settle.settle_items, deadlines.answer_overdue_outputs, settle.settle_items, *withdrawals)
    assert filter_results(Exception, results) == []
    while settle.settle_items() or deadlines.answer_overdue_outputs():
        pass
    feed.number_decisions()
    assert Output.objects.filter(state="withdrawn").count() == len(names)
    assert invariants.find_violations() == []
