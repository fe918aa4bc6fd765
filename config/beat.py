"""The beat inside of the worker: its table is in memory, and the worker ends where its beat has ended."""

from __future__ import annotations

import os
from typing import Any

import structlog
from celery import bootsteps
from celery.beat import Scheduler
from celery.worker import state

log = structlog.get_logger(__name__)

BEAT_CHECK_SECONDS = 2.0  # seconds


class InMemoryScheduler(Scheduler):
    """The beat table in memory: nothing in it is so rare that a restart would have to remember when it ran last."""

    def setup_schedule(self) -> None:
        self.merge_inplace(self.app.conf.beat_schedule)


class BeatGuard(bootsteps.StartStopStep):
    """Ends a worker whose beat was killed: it would sweep nothing any more, and what watches the worker starts both."""

    requires = ("celery.worker.components:Timer", "celery.worker.components:Beat")

    def start(self, parent: Any) -> None:
        if parent.beat is not None:
            parent.timer.call_repeatedly(BEAT_CHECK_SECONDS, _stop_if_beat_ended, (parent.beat,))


def _stop_if_beat_ended(beat: Any) -> None:
    if not beat.is_alive():
        log.error("beat.ended")
        state.should_stop = os.EX_SOFTWARE  # type: ignore[assignment]  # None until somebody wants it to stop
