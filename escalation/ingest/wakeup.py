"""Wakes the workers. A lost message does no harm: every worker looks at the rows once a second anyway.

A message says only "look"; the worker that takes it sees everything committed before. So while one waits to be taken,
another would add nothing and is not sent: at most a few wait, however many processes send. And as none carries a time,
it does not matter whether the clocks of the machines agree.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Lock
from typing import Any

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
    transaction.on_commit(send_wakeup, robust=True)


def send_wakeup() -> None:
    """Tell the worker now that there are outputs to route. Never raises and never blocks for long."""
    global _quiet_until  # noqa: PLW0603 - one clock per process
    now = time.monotonic()
    with _lock:
        if now < _quiet_until:
            return
        _quiet_until = now + COALESCE_SECONDS
    try:
        send_unless_waiting("escalation.tasks.dispatch_received", queue="routing")
    except Exception as error:  # noqa: BLE001 - whatever fails, the rows are safe and the sweep finds them
        _quiet_until = now + FAILURE_PAUSE_SECONDS
        log.warning("wakeup.failed", error=str(error))


def send_unless_waiting(task: str, *, queue: str, arguments: Sequence[str] = ()) -> bool:
    """Send a message to a task queue in which none is waiting; returns whether it was sent.

    Raises whatever the broker does, within about `BROKER_TIMEOUT_SECONDS`.
    """
    with producers[_broker_connection()].acquire(block=True, timeout=BROKER_TIMEOUT_SECONDS) as producer:
        declared: Any = current_app.amqp.queues[queue].bind(producer.channel).queue_declare()
        if declared.message_count:
            return False
        current_app.send_task(task, arguments, queue=queue, producer=producer, retry=False)
    return True


def _broker_connection() -> Connection:
    """A connection with shorter timeouts than a worker's. Equal connections share one pool."""
    options = {
        "socket_timeout": BROKER_TIMEOUT_SECONDS,
        "socket_connect_timeout": BROKER_TIMEOUT_SECONDS,
        "max_retries": 0,
    }
    return Connection(current_app.conf.broker_url, transport_options=options, connect_timeout=BROKER_TIMEOUT_SECONDS)
