"""A worker looks for its broker at a steady pace."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from celery import current_app
from celery.utils.imports import symbol_by_name
from kombu import Connection
from kombu.exceptions import OperationalError

from config.consumer import RECONNECT_SECONDS


def test_a_worker_tries_to_reconnect_at_a_steady_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("kombu.utils.functional.sleep", waits.append)
    worker = object.__new__(symbol_by_name(current_app.conf.worker_consumer))
    worker.app = SimpleNamespace(
        conf=SimpleNamespace(broker_connection_retry_on_startup=True, broker_connection_max_retries=6)
    )
    worker.first_connection_attempt, worker.broker_connection_retry_attempt = True, 0
    with pytest.raises(OperationalError):
        worker.ensure_connected(Connection("redis+socket:///nonexistent/broker.sock"))
    assert sum(waits) == pytest.approx(6 * RECONNECT_SECONDS)
