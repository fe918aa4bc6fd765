"""A copy of the code with its own `var/`, for tests that start and kill a whole `up`."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.embedded import watchdog

REPOSITORY = Path(__file__).resolve().parents[2]
DROPPED_VARIABLES = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "REVIEWQUEUE_PROFILE", "MAKELEVEL", "MAKEFLAGS")


def wait_until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait until `condition` holds, and fail when it takes longer."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


@dataclass(frozen=True)
class UpProcess:
    """A started `up`, or the make that started it."""

    process: subprocess.Popen[bytes]
    output: Path

    @property
    def output_text(self) -> str:
        return self.output.read_text()

    @property
    def url(self) -> str:
        return self.output_text.partition("Ready: ")[2].split("\n")[0]

    def wait_until_ready(self) -> None:
        wait_until(lambda: "Ready: " in self.output_text or self.process.poll() is not None)
        assert "Ready: " in self.output_text, self.output_text

    def wait_until_exit(self) -> int:
        return self.process.wait(timeout=60)

    def process_tree(self) -> dict[int, str]:
        """The process and all its descendants, each with its command line."""
        table = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, check=True, text=True
        )
        rows = [line.split(None, 2) for line in table.stdout.splitlines()]
        family = {self.process.pid: "up"}
        while True:
            new = {int(p): rest[0] for p, parent, *rest in rows if int(parent) in family and int(p) not in family}
            if not new:
                return family
            family |= new

    def find_process(self, part: str) -> int:
        """The oldest process of the tree whose command line contains `part`."""
        return min(pid for pid, command in self.process_tree().items() if part in command)


@dataclass(frozen=True)
class Checkout:
    """A copy of the code with a `var/` of its own."""

    root: Path

    def start(self, *arguments: str, port: int = 0) -> UpProcess:
        return self.run_in_background([sys.executable, "manage.py", "up", "--no-demo", "--port", str(port), *arguments])

    def start_below_make(self) -> UpProcess:
        (self.root / "Makefile").write_text(f"up:\n\t@exec {sys.executable} manage.py up --no-demo --port 0\n")
        return self.run_in_background(["make", "up"])

    def run_in_background(self, command: list[str]) -> UpProcess:
        with tempfile.NamedTemporaryFile(dir=self.root, delete=False) as output, use_default_signals():
            process = subprocess.Popen(
                command, cwd=self.root, env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )
        return UpProcess(process, Path(output.name))

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            check=False,
            text=True,
        )

    @property
    def environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name not in DROPPED_VARIABLES}


@contextmanager
def use_default_signals() -> Iterator[None]:
    """Let processes started meanwhile react to Ctrl-C and hang-ups, even if this process ignores them."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def have_all_ended(pids: dict[int, str]) -> bool:
    return all(watchdog.read_start_time(pid) is None for pid in pids)
