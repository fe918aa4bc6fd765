"""Waking the worker: never slow for the producer, and never raising."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery, current_app
from pytest_django import DjangoCaptureOnCommitCallbacks

from escalation.ingest import wakeup
from tests.helpers import stream_setup
from tests.helpers.stream_setup import Producer


@pytest.fixture(autouse=True)
def awake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeup, "_quiet_until", 0.0)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(Celery, "send_task", lambda _, name, **__: found.append(name))
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


def test_every_task_named_in_the_schedule_exists() -> None:
    from_beat: set[Any] = {entry["task"] for entry in current_app.conf.beat_schedule.values()}
    current_app.loader.import_default_modules()
    assert {"escalation.tasks.dispatch_received", *from_beat} <= set(current_app.tasks)
