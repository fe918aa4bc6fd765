"""Waking the worker: never slow for the producer, and never raising."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from celery import current_app
from pytest_django import DjangoCaptureOnCommitCallbacks

from escalation.ingest import wakeup
from escalation.monitoring.sweeps import SWEEPS, TASK_QUEUES
from tests.helpers import stream_setup
from tests.helpers.stream_setup import Producer


@pytest.fixture(autouse=True)
def awake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeup, "_quiet_until", 0.0)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(wakeup, "send_unless_waiting", lambda name, **__: found.append(name))
    return found


@pytest.fixture
def dead_end() -> Iterator[int]:
    """A port that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_worker_is_woken_after_the_commit(
    db: None, sent: list[str], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        wakeup.wake_worker()
        assert sent == []
    assert sent == ["escalation.tasks.dispatch_received"]


def test_wakeups_close_together_are_merged(
    db: None,
    sent: list[str],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    monkeypatch.setattr("escalation.ingest.wakeup.time", SimpleNamespace(monotonic=lambda: 100.0))
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(5):
            wakeup.wake_worker()
    assert len(sent) == 1


@pytest.mark.parametrize("broker", ["redis://127.0.0.1:1/0", "redis+socket:///nowhere.sock", "redis://127.0.0.1:{}/0"])
def test_without_a_broker_outputs_are_still_received_quickly(
    producer: Producer,
    dead_end: int,
    broker: str,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    monkeypatch.setattr(current_app.conf, "broker_url", broker.format(dead_end))
    began = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True):
        answer = producer.post("streams/intents/outputs", stream_setup.build_output())
    assert answer.status_code == 202
    assert time.monotonic() - began < 4
    began = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True):
        producer.post("streams/intents/outputs", stream_setup.build_output("ticket-2"))
    assert time.monotonic() - began < 0.5, "with the broker down, only one request should wait for the timeout"


def test_every_task_of_the_table_of_sweeps_exists_and_has_a_queue_that_is_served() -> None:
    current_app.loader.import_default_modules()
    assert {"escalation.tasks.dispatch_received", *(sweep.task for sweep in SWEEPS)} <= set(current_app.tasks)
    assert {sweep.task_queue for sweep in SWEEPS} == set(TASK_QUEUES) == set(current_app.amqp.queues)
    assert all(sweep.every < sweep.late_after for sweep in SWEEPS)


def test_nothing_is_sent_to_a_queue_in_which_a_message_waits_and_none_expires(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every process sends, however many there are, and whatever their clocks say."""
    monkeypatch.setattr(current_app.conf, "broker_url", f"memory://{uuid4().hex}")
    sent = [wakeup.send_unless_waiting("escalation.tasks.dispatch_received", queue="routing") for _ in range(3)]
    sent += [wakeup.send_unless_waiting("escalation.tasks.run_due_sweeps", queue="people", arguments=["people"])]
    assert sent == [True, False, False, True]
    with current_app.connection_for_read() as connection:
        channel: Any = connection.default_channel
        messages = [channel.basic_get(queue, no_ack=True) for queue in ("routing", "people")]
        assert [message.headers["expires"] for message in messages] == [None, None]
        assert channel.basic_get("routing") is None
    assert wakeup.send_unless_waiting("escalation.tasks.dispatch_received", queue="routing")
