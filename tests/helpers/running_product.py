"""The product's own processes on servers of their own, for tests that break one of them."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import redis

from config.embedded import programs
from config.embedded.layout import FolderLayout
from config.embedded.postgres import PostgresServer
from config.embedded.supervisor import ChildProcess, Program, Supervisor
from config.embedded.valkey import ValkeyServer
from config.management.commands.up import open_listener, wait_for_web
from tests.helpers.checkout import DROPPED_VARIABLES, REPOSITORY, wait_until

SLUG = "intents"
REVIEWERS = ("rob", "rita")
_CONSOLE = "import django; django.setup(); from tests.helpers import product_console; product_console.main()"
# What a log line of ours looks like when something went wrong, and the first line of a trace.
_ERROR_LINE = re.compile(r"\[(error|critical) *\]|\[ERROR\]|\[CRITICAL\]|^Traceback|^[A-Za-z_.]+(Error|Exception)\b")


class RunningProduct:
    """PostgreSQL, Valkey, gunicorn and the workers, as `up` starts them; what dies of web and workers is restarted."""

    def __init__(self, root: Path, *, variables: dict[str, str] | None = None) -> None:
        self.root = root
        self._layout = FolderLayout(root)
        self._layout.make_folders()
        self._supervisor = Supervisor(self._layout)
        self._postgres = PostgresServer(self._layout)
        self._valkey = ValkeyServer(self._layout, disposable=True)
        self._environment = {name: value for name, value in os.environ.items() if name not in DROPPED_VARIABLES} | {
            "DATABASE_URL": self._postgres.url,
            "REDIS_URL": self._valkey.url,
            "SECRET_KEY": secrets.token_hex(32),
            "REVIEWQUEUE_PROFILE": "local",
            "LOG_LEVEL": "WARNING",
            **(variables or {}),
        }
        self._servers: dict[str, ChildProcess] = {}
        self._children: dict[str, ChildProcess] = {}
        self._over = threading.Event()
        self._ending = ExitStack()
        self._log_starts: dict[Path, int] = {}
        self.keys: dict[str, str] = {}

    # Starting and stopping

    def start(self) -> None:
        self._ending.enter_context(self._supervisor)
        self.start_database()
        self.start_broker()
        self._console = self._ending.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", _CONSOLE],
                cwd=REPOSITORY,
                env=self._environment | {"DJANGO_SETTINGS_MODULE": "config.settings"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        self._ending.callback(self._console.terminate)
        self.keys = self.ask("prepare")
        listener = self._ending.enter_context(open_listener("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        web = programs.build_web_program(self._layout, folder=REPOSITORY, listener=listener.fileno())
        self._start_program("web", web)
        self._start_program("workers", programs.build_workers_program(self._layout, folder=REPOSITORY))
        wait_for_web(self._children["web"], listener)
        keeper = threading.Thread(target=self._keep, daemon=True)
        keeper.start()
        self._ending.callback(keeper.join)
        self._ending.callback(self._over.set)

    def stop(self) -> None:
        self._ending.close()

    def _start_program(self, name: str, program: Program) -> None:
        program = replace(program, environment=self._environment | programs.LOW_MEMORY_ENVIRONMENT)
        self._children[name] = self._supervisor.start(program)

    def _keep(self) -> None:
        """As `up` does it, but the servers are the tests' to start."""
        while not self._over.wait(0.1):
            for child in self._supervisor.reap_ended():
                for name, known in list(self._children.items()):
                    if known is child:
                        self._children[name] = self._supervisor.start(child.program)

    # The servers

    def start_database(self) -> None:
        self._servers["database"] = self._postgres.start(self._supervisor)

    def stop_database(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """SIGQUIT stops it immediately, without a checkpoint; every session is cut."""
        self._end(self._servers["database"], number)

    @property
    def database_runs(self) -> bool:
        return self._servers["database"].exit_code is None

    def start_broker(self) -> None:
        self._servers["broker"] = self._valkey.start(self._supervisor)

    def stop_broker(self) -> None:
        self._end(self._servers["broker"], signal.SIGKILL)

    @property
    def broker_pid(self) -> int:
        return self._servers["broker"].process.pid

    def broker(self) -> redis.Redis:
        return redis.Redis.from_url(self._valkey.url)

    def _end(self, child: ChildProcess, number: signal.Signals) -> None:
        child.process.send_signal(number)
        wait_until(lambda: child.exit_code is not None)

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._postgres.url, autocommit=True)

    def fetch(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            return connection.execute(statement, parameters).fetchall()

    # The processes

    def pids(self, name: str) -> list[int]:
        """The `web` or `workers` processes, parents first."""
        found = [self._children[name].process.pid]
        for pid in found:
            found += _children_of(pid)
        return found

    def kill(self, pids: Iterable[int], number: signal.Signals = signal.SIGKILL) -> None:
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    @contextmanager
    def paused(self, pids: Iterable[int]) -> Iterator[None]:
        stopped = list(pids)
        self.kill(stopped, signal.SIGSTOP)
        try:
            yield
        finally:
            self.kill(stopped, signal.SIGCONT)

    # What it says of itself

    def ask(self, what: str) -> Any:
        """Have a management command run; see `product_console`."""
        assert self._console.stdin is not None
        assert self._console.stdout is not None
        self._console.stdin.write(f"{what}\n")
        self._console.stdin.flush()
        return json.loads(self._console.stdout.readline())

    def mark_logs(self) -> None:
        """From here on, `find_log_errors` reads."""
        self._log_starts = {log: log.stat().st_size for log in self._logs()}

    def find_log_errors(self, expected: Iterable[str]) -> list[str]:
        """The error lines of web and workers since the mark, but those that match one of these expressions."""
        allowed = re.compile("|".join(expected) or r"(?!)")
        lines = [line for log in self._logs() for line in self._read_log(log).splitlines()]
        return [line for line in lines if _ERROR_LINE.search(line) and not allowed.search(line)]

    def read_logs(self) -> str:
        """What was written since the mark."""
        return "\n".join(f"{log.name}:\n{self._read_log(log)[-20_000:]}" for log in self._logs())

    def _logs(self) -> list[Path]:
        return [self._layout.logs / name for name in ("web.log", "worker.log")]

    def _read_log(self, log: Path) -> str:
        with log.open(errors="replace") as text:
            text.seek(self._log_starts.get(log, 0))
            return text.read()


def _children_of(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in text.split()]
