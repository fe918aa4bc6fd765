"""Real workers on the test database, with their own broker, and ways to kill both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Task, current_app

from config.embedded.layout import FolderLayout
from config.embedded.supervisor import ChildProcess, Supervisor
from config.embedded.valkey import ValkeyServer
from tests.helpers.processes import build_database_url

ROOT = Path(__file__).resolve().parents[2]


class Broker:
    """A Valkey that can be emptied, killed and started again."""

    def __init__(self, folder: Path, supervisor: Supervisor, layout: FolderLayout) -> None:
        self._supervisor, self._valkey = supervisor, ValkeyServer(layout)
        self._child: ChildProcess = self._valkey.start(supervisor)

    @property
    def url(self) -> str:
        return self._valkey.url

    def send(self, task: Task[..., Any], soft_time_limit: int = 60) -> None:
        """Put a message in."""
        with current_app.connection_for_write(self.url.replace("unix://", "redis+socket://")) as messages:
            task.apply_async(producer=messages.Producer(), soft_time_limit=soft_time_limit)

    def kill(self) -> None:
        self._child.process.kill()
        self._child.process.wait(30)

    def start(self) -> None:
        self._child = self._valkey.start(self._supervisor)


# Python runs it before anything else. The monotonic clock stays as it is.
MOVED_CLOCK = """
import os, time, time_machine
time_machine.travel(time.time() + float(os.environ["CLOCK_AHEAD_SECONDS"]), tick=True).start()
"""


class Workers:
    """Celery workers, each of all task queues and in its own process group that is killed as a whole."""

    def __init__(self, folder: Path, broker: str) -> None:
        self._folder, self._running = folder, list[subprocess.Popen[bytes]]()
        self._environment = os.environ | {
            "DATABASE_URL": build_database_url(),
            "REDIS_URL": broker,
            "LOG_LEVEL": "WARNING",
        }

    def start(self, *, clock_ahead_seconds: float = 0) -> subprocess.Popen[bytes]:
        number = len(self._running)
        clock = {"CLOCK_AHEAD_SECONDS": f"{clock_ahead_seconds}", "PYTHONPATH": str(self._folder / "clock")}
        (self._folder / "clock").mkdir(exist_ok=True)
        (self._folder / "clock" / "sitecustomize.py").write_text(MOVED_CLOCK)
        with (self._folder / f"worker-{number}.log").open("wb") as log:
            worker = subprocess.Popen(
                [
                    *(sys.executable, "-m", "celery", "--app", "config.celery", "worker"),
                    *("--hostname", f"fault-{number}@%h"),
                    *("--concurrency", "1", "--loglevel", "warning", "--without-gossip", "--without-mingle"),
                ],
                cwd=ROOT,
                env=self._environment | (clock if clock_ahead_seconds else {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running.append(worker)
        return worker

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """Kill it at once with all its children, as the OOM killer would."""
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait(30)

    def children(self, worker: subprocess.Popen[bytes]) -> list[int]:
        found = subprocess.run(["pgrep", "-P", str(worker.pid)], capture_output=True, check=True, text=True)
        return [int(pid) for pid in found.stdout.split()]

    def end(self) -> None:
        for worker in self._running:
            if worker.poll() is None:
                self.kill(worker)

    def last_words(self) -> str:
        return "\n".join(log.read_text(errors="replace")[-2000:] for log in self._folder.glob("worker-*.log"))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    layout = FolderLayout(tmp_path / "broker")
    layout.make_folders()
    with Supervisor(layout) as supervisor:
        yield Broker(tmp_path, supervisor, layout)


@pytest.fixture
def workers(transactional_db: None, tmp_path: Path, broker: Broker) -> Iterator[Workers]:
    found = Workers(tmp_path, broker.url)
    try:
        yield found
    finally:
        found.end()
        print(found.last_words())  # noqa: T201 - pytest shows it when the test fails
