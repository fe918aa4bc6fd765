"""Workers and brokers are killed, and every output is still routed exactly once."""

from __future__ import annotations

from datetime import datetime

import pytest
from celery import current_app
from django.db import connection, transaction

from escalation import tasks
from escalation.decisions import feed
from escalation.ingest import wakeup
from escalation.models import Decision, DispatchBatch, Heartbeat, Output, Route, Stream
from escalation.monitoring import invariants
from escalation.monitoring.sweeps import SWEEPS
from escalation.routing import stop
from reviewqueue.kernel import clock
from reviewqueue.models import Item
from tests.faults.conftest import Broker, Workers
from tests.helpers import stream_setup
from tests.helpers.processes import wait_until
from tests.helpers.stream_setup import Producer

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]


def _nothing_waits() -> bool:
    return not Output.objects.received().exists() and not DispatchBatch.objects.exists()


def _all_routed_once(count: int) -> None:
    assert Output.objects.count() == Route.objects.count() == count
    assert Item.objects.count() == Output.objects.in_review().count()
    assert Decision.objects.count() == Output.objects.filter(state="decided").count()
    assert [(found.check.name, found.rows) for found in invariants.find_violations()] == []


def _somebody_waits_for(key: int) -> bool:
    return bool(
        stream_setup.run_sql(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = %s::bigint::oid", key
        )
    )


def _mixed(count: int, *, first: int = 1) -> list[dict[str, object]]:
    return [
        stream_setup.build_output(f"ticket-{number}", confidence=0.9 if number % 2 else 0.1)
        for number in range(first, first + count)
    ]


def test_a_worker_routes_outputs_without_receiving_a_message(stream: Stream, workers: Workers) -> None:
    stream_setup.post_outputs(stream, *_mixed(100))
    workers.start()
    wait_until(_nothing_waits)
    wait_until(lambda: not Decision.objects.filter(seq=None).exists())
    wait_until(lambda: Heartbeat.objects.filter(name="deadlines").exists())
    _all_routed_once(100)


def test_outputs_of_a_killed_worker_are_routed_within_a_minute(stream: Stream, workers: Workers) -> None:
    stream_setup.post_outputs(stream, *_mixed(60))
    with connection.cursor() as cursor:
        # As STOP does, so the worker waits in the middle of its batch.
        cursor.execute("SELECT pg_advisory_lock(%s)", [stop.RELEASE_LOCK_ID])
        try:
            victim = workers.start()
            wait_until(lambda: _somebody_waits_for(stop.RELEASE_LOCK_ID))
            assert DispatchBatch.objects.count() == 1
            workers.kill(victim)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [stop.RELEASE_LOCK_ID])
    assert Output.objects.received().count() == 60
    stream_setup.post_outputs(stream, *_mixed(20, first=1000))
    workers.start()
    assert wait_until(_nothing_waits) < 60
    _all_routed_once(80)
    assert not Route.objects.filter(reason="dispatch_failed").exists()


def test_repeatedly_killed_workers_finish_their_work(stream: Stream, workers: Workers) -> None:
    for turn in range(3):
        stream_setup.post_outputs(stream, *_mixed(700, first=1 + turn * 10_000))
        before = Route.objects.count()
        victim = workers.start()
        wait_until(lambda: Route.objects.count() > before)  # noqa: B023 - called at once
        workers.kill(victim)
    workers.start()
    wait_until(_nothing_waits)
    _all_routed_once(2100)


def test_workers_whose_clocks_differ_do_each_job_once_and_run_every_sweep(stream: Stream, workers: Workers) -> None:
    stream_setup.post_outputs(stream, *_mixed(900))
    workers.start(clock_ahead_seconds=-5)
    workers.start(clock_ahead_seconds=600)
    wait_until(_nothing_waits)
    _all_routed_once(900)
    for _ in range(3):
        moment = clock.current_time()
        wait_until(lambda: _have_run_since(moment), seconds=20)  # noqa: B023 - called at once


def _have_run_since(moment: datetime) -> bool:
    frequent = [sweep.name for sweep in SWEEPS if sweep.every == 1]
    return Heartbeat.objects.filter(name__in=frequent, at__gt=moment).count() == len(frequent)


def test_a_worker_continues_after_a_time_limit_interrupts_a_statement(
    stream: Stream, workers: Workers, broker: Broker
) -> None:
    broker.send(tasks.sweep_guarantees, soft_time_limit=1)
    with transaction.atomic():
        stream_setup.run_sql("LOCK escalation_stream")
        workers.start()
        wait_until(lambda: "SoftTimeLimitExceeded" in workers.last_words())
    stream_setup.post_outputs(stream, *_mixed(60))
    wait_until(_nothing_waits)
    _all_routed_once(60)


def test_a_worker_continues_after_the_database_closes_its_connections(stream: Stream, workers: Workers) -> None:
    workers.start()
    for turn in range(2):
        stream_setup.post_outputs(stream, *_mixed(20, first=1 + turn * 1000))
        wait_until(_nothing_waits)
        assert _cut_connections() > 0
    stream_setup.post_outputs(stream, *_mixed(20, first=5000))
    wait_until(_nothing_waits)
    _all_routed_once(60)


def _cut_connections() -> int:
    """All but this one; how many."""
    cut = stream_setup.run_sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    return len(cut)


def test_a_worker_runs_all_invariant_checks(stream: Stream, workers: Workers, broker: Broker) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output(confidence=0.9))
    feed.number_decisions()
    stream_setup.run_sql("UPDATE escalation_feedhead SET seq = seq + 1")
    workers.start()
    broker.send(tasks.check_invariants)
    wait_until(lambda: Heartbeat.objects.filter(name="invariants", detail__broken=["numbers_without_gap"]).exists())


def test_an_emptied_broker_loses_no_work(
    producer: Producer,
    workers: Workers,
    broker: Broker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(current_app.conf, "broker_url", broker.url.replace("unix://", "redis+socket://"))
    for number in range(5):
        monkeypatch.setattr(wakeup, "_quiet_until", 0.0)
        assert (
            producer.post("streams/intents/outputs", stream_setup.build_output(f"ticket-{number}")).status_code == 202
        )
    with current_app.connection_for_write(broker.url.replace("unix://", "redis+socket://")) as messages:
        client = messages.default_channel.client  # type: ignore[attr-defined]  # the one of Redis has it
        assert client.llen("routing") == 1, "one message is enough"
        client.flushall()
    workers.start()
    wait_until(_nothing_waits)
    _all_routed_once(5)


def test_without_a_broker_requests_still_work_and_the_worker_reconnects_later(
    producer: Producer,
    workers: Workers,
    broker: Broker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(current_app.conf, "broker_url", broker.url.replace("unix://", "redis+socket://"))
    workers.start()
    assert producer.post("streams/intents/outputs", stream_setup.build_output("before")).status_code == 202
    wait_until(_nothing_waits)
    broker.kill()
    for number in range(5):
        monkeypatch.setattr(wakeup, "_quiet_until", 0.0)
        assert (
            producer.post("streams/intents/outputs", stream_setup.build_output(f"during-{number}")).status_code == 202
        )
    assert Output.objects.received().exists(), "nobody tells the worker"
    broker.start()
    wait_until(_nothing_waits)
    _all_routed_once(6)
