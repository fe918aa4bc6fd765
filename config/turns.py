"""Each worker sends its task queues a turn a second: there is no scheduler that could be missing, doubled or dead."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import structlog
from celery import bootsteps
from celery.worker import state

from escalation.ingest import wakeup
from escalation.monitoring.sweeps import TASK_QUEUES

log = structlog.get_logger(__name__)

TURN_EVERY_SECONDS = 1.0  # by the monotonic clock of the worker's event loop
# A message that an idle worker leaves in the queue for so many turns shows that it has ceased to listen, as a worker
# can after the broker closed or refused one of its connections.
STALLED_TURNS = 5

# What `config.workers` wants to be called whenever this worker has taken its last turn, to see that it does not hang.
report_alive: Callable[[], object] = bool


class TurnSender(bootsteps.StartStopStep):
    """Part of a worker's connection to the broker: starts anew with each, as its timers end with it."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._timer: Any = None
        self._untaken: dict[str, int] = {}

    def start(self, parent: Any) -> None:
        self._untaken = {name: 0 for name in TASK_QUEUES if name in parent.app.amqp.queues.consume_from}
        self._timer = parent.timer.call_repeatedly(TURN_EVERY_SECONDS, self._take_turn, (parent.pool,))

    def stop(self, parent: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _take_turn(self, pool: Any) -> None:
        # Celery looks every five seconds only for a process of the pool that has ended, and often misses its end.
        pool.maintain_pool()
        self._send_turns()

    def _send_turns(self) -> None:
        """Send a turn to each task queue in which nothing waits. Without a broker, the next second tries again."""
        for name in self._untaken:
            try:
                taken = wakeup.send_unless_waiting("escalation.tasks.run_due_sweeps", queue=name, arguments=[name])
            except Exception as error:  # noqa: BLE001 - it must not end the worker's event loop
                log.warning("turn.not_sent", queue=name, error=str(error))
                return
            if taken:
                report_alive()
            self._untaken[name] = 0 if taken or state.reserved_requests else self._untaken[name] + 1
            if self._untaken[name] >= STALLED_TURNS:
                log.error("worker.stalled", queue=name)
                state.should_stop = os.EX_SOFTWARE  # type: ignore[assignment]  # declared as None
