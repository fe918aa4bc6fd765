"""The beat inside the worker: its schedule is in memory, and the worker exits when its beat has died."""

from __future__ import annotations

import os
from typing import Any

import structlog
from celery import bootsteps
from celery.beat import Scheduler
from celery.worker import state

log = structlog.get_logger(__name__)

BEAT_CHECK_SECONDS = 2.0


class InMemoryScheduler(Scheduler):
    """Keep the schedule in memory: no entry is so rare that its last run must survive a restart."""

    def setup_schedule(self) -> None:
        self.merge_inplace(self.app.conf.beat_schedule)


class BeatGuard(bootsteps.StartStopStep):
    """Stop a worker whose beat was killed: it would no longer sweep, and its supervisor restarts both."""

    requires = ("celery.worker.components:Timer", "celery.worker.components:Beat")

    def start(self, parent: Any) -> None:
        if parent.beat is not None:
            parent.timer.call_repeatedly(BEAT_CHECK_SECONDS, _stop_if_beat_ended, (parent.beat,))


def _stop_if_beat_ended(beat: Any) -> None:
    if not beat.is_alive():
        log.error("beat.ended")
        state.should_stop = os.EX_SOFTWARE  # type: ignore[assignment]  # declared as None
