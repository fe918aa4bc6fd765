"""All workers of one machine in one command: `python -m config.workers`.

Loads the product once and forks a Celery worker for each task queue, so that they share its memory and none waits for
another. A worker that ends or hangs is replaced.
"""

from __future__ import annotations

import gc
import mmap
import os
import signal
import time
import traceback
from collections.abc import Sequence
from types import FrameType

import django
import structlog

from config import turns
from config.celery import app
from escalation.monitoring.sweeps import TASK_QUEUES

log = structlog.get_logger(__name__)

# Replacements of a worker start at least so long apart, so that one that cannot start leaves the machine to the others.
RESTART_SECONDS = 1.0
# A worker that has taken no turn for so long, longer than any task may run, is replaced, be it that it hangs or that it
# lost the broker: starting anew takes a second, and nothing is lost with it.
HUNG_SECONDS = 100.0
LOOK_EVERY_SECONDS = 0.2


class WorkerKeeper:
    """The parent of the workers. It has no connections and no threads, so that it can fork at any time."""

    def __init__(self, task_queues: Sequence[str]) -> None:
        self._task_queues = task_queues
        self._queues: dict[int, str] = {}
        self._started_at: dict[str, float] = {}
        self._is_stopping = False
        # Shared with the workers: when each was last seen, by the monotonic clock.
        self._seen_at = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("d")

    def run(self) -> None:
        """Keep a worker for each queue running until a signal asks to stop, then until they have stopped."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, self._stop)
        for name in self._task_queues:
            self._start(name)
        while self._queues:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid:
                self._replace(self._queues.pop(pid, ""), status)
            else:
                self._kill_hung()
                time.sleep(LOOK_EVERY_SECONDS)

    def _start(self, name: str) -> None:
        if self._is_stopping:
            return
        place = self._task_queues.index(name)
        self._started_at[name] = self._seen_at[place] = time.monotonic()
        pid = os.fork()
        if pid == 0:
            turns.report_alive = lambda: self._seen_at.__setitem__(place, time.monotonic())
            os._exit(_run_worker(name))
        self._queues[pid] = name

    def _replace(self, name: str, status: int) -> None:
        if name and not self._is_stopping:
            log.error("worker.ended", queue=name, exit_code=os.waitstatus_to_exitcode(status))
            time.sleep(max(0.0, self._started_at[name] + RESTART_SECONDS - time.monotonic()))
            self._start(name)

    def _kill_hung(self) -> None:
        for pid, name in self._queues.items():
            place = self._task_queues.index(name)
            if not self._is_stopping and time.monotonic() - self._seen_at[place] > HUNG_SECONDS:
                log.error("worker.hung", queue=name)
                self._seen_at[place] = time.monotonic()
                os.kill(pid, signal.SIGKILL)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._is_stopping = True
        for pid in self._queues:
            os.kill(pid, number)


def main() -> None:
    django.setup()
    app.loader.import_default_modules()
    app.finalize()
    # Keep the garbage collector from writing to, and so copying, the memory pages that the workers share.
    gc.collect()
    gc.freeze()
    WorkerKeeper(TASK_QUEUES).run()


def _run_worker(name: str) -> int:
    """Be the worker of a task queue; returns the exit status."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    arguments = ["worker", "--queues", name, "--hostname", f"{name}@%h", "--concurrency", "1"]
    options = ["--loglevel", "warning", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    try:
        app.worker_main(["--quiet", *arguments, *options])
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 - nothing of the parent may run in the child
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main()
