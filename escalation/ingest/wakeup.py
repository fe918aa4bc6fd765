"""Wakes the worker after a commit. A lost wake-up does no harm: the sweep finds every received row within a second."""

from __future__ import annotations

import time
from threading import Lock

import structlog
from celery import current_app
from django.db import transaction
from kombu import Connection
from kombu.pools import producers

log = structlog.get_logger(__name__)

# A worker routes everything that is waiting, so wake-ups closer together than this add nothing.
COALESCE_SECONDS = 0.05
# After a failure: with the broker down, not every request should have to wait for the timeout.
FAILURE_PAUSE_SECONDS = 5.0
BROKER_TIMEOUT_SECONDS = 1.0

_lock = Lock()
_quiet_until = 0.0


def wake_worker() -> None:
    """After the commit, tell the worker that there are outputs to route. Never raises and never blocks for long."""
    transaction.on_commit(_send_wakeup, robust=True)


def _send_wakeup() -> None:
    global _quiet_until  # noqa: PLW0603 - one clock per process
    now = time.monotonic()
    with _lock:
        if now < _quiet_until:
            return
        _quiet_until = now + COALESCE_SECONDS
    try:
        with producers[_broker_connection()].acquire(block=True, timeout=BROKER_TIMEOUT_SECONDS) as producer:
            current_app.send_task("escalation.tasks.dispatch_received", producer=producer, retry=False, expires=60)
    except Exception as error:  # noqa: BLE001 - whatever fails, the rows are safe and the sweep finds them
        _quiet_until = now + FAILURE_PAUSE_SECONDS
        log.warning("wakeup.failed", error=str(error))


def _broker_connection() -> Connection:
    """A connection with shorter timeouts than a worker's. Equal connections share one pool."""
    options = {
        "socket_timeout": BROKER_TIMEOUT_SECONDS,
        "socket_connect_timeout": BROKER_TIMEOUT_SECONDS,
        "max_retries": 0,
    }
    return Connection(current_app.conf.broker_url, transport_options=options, connect_timeout=BROKER_TIMEOUT_SECONDS)
