"""Start a command's child processes, and stop them all when it ends, however that happens."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from config.embedded import watchdog
from config.embedded.account import ProcessIdentity
from config.embedded.layout import FolderLayout
from config.embedded.lock import FileLock
from config.embedded.refusal import StartRefused

MAX_LOG_BYTES = 5_000_000  # checked at each start; one older log is kept

# A child runs its program only after the watchdog knows about it: it waits for a line on a pipe. If the pipe ends
# without one, the parent has died in the meantime and the child exits.
GATE_COMMAND = ["/bin/sh", "-c", 'read -r go && exec "$@" </dev/null', "sh"]


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run and how to stop it: lowest `rank` first; `signals` with the seconds to wait after each.

    If a `vital` program dies, everything stops.
    """

    name: str
    arguments: list[str | Path]
    log: Path
    rank: int
    signals: list[tuple[int, float]]
    environment: Mapping[str, str]
    folder: Path
    identity: ProcessIdentity = field(default_factory=ProcessIdentity)
    inherited: tuple[int, ...] = ()
    vital: bool = False


@dataclass(frozen=True)
class ChildProcess:
    """A started program."""

    program: Program
    process: subprocess.Popen[bytes]
    started_at: float

    @property
    def exit_code(self) -> int | None:
        """None while it is running."""
        return self.process.poll()

    def log_tail(self) -> str:
        """The last lines of its log, for error messages."""
        lines = self.program.log.read_text(errors="replace").splitlines()[-8:]
        return "\n".join(f"    {line}" for line in lines)


class Supervisor:
    """Start programs below one layout, and stop them on exit."""

    def __init__(self, layout: FolderLayout) -> None:
        self._layout = layout
        self._alive_lock = FileLock(layout.watchdog_lock)
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._children: dict[int, tuple[ChildProcess, watchdog.WatchedProcess]] = {}

    def __enter__(self) -> Self:
        # After a kill, the previous run's watchdog needs a moment to stop its children.
        if not self._alive_lock.take(wait=60):
            raise StartRefused(
                f"Processes of an earlier run below {self._layout.root} are still running. Wait, or stop them."
            )
        self._stop_leftovers()
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", watchdog.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            pass_fds=[self._alive_lock.fileno()],  # so that the lock, like the watchdog, outlives this process
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, program: Program) -> ChildProcess:
        """Run `program` in its own session, with its output appended to its log."""
        _rotate_log(program.log)
        with program.log.open("ab") as log:
            process = subprocess.Popen(
                [*GATE_COMMAND, *program.arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=program.folder,
                env=program.environment,
                start_new_session=True,
                pass_fds=program.inherited,
                **program.identity,
            )
        child = ChildProcess(program, process, time.monotonic())
        self._watch(child)
        assert process.stdin is not None
        with suppress(BrokenPipeError), process.stdin as gate:  # killed while waiting: `reap_ended` reports it
            gate.write(b"go\n")
        return child

    def reap_ended(self) -> list[ChildProcess]:
        """The children that have ended since the last call; kills any processes they left behind."""
        children = [child for child, _ in self._children.values() if child.exit_code is not None]
        for child in children:
            pid = child.process.pid
            _kill_session(pid)
            del self._children[pid]
            self._send_to_watchdog({"forget": pid})
        if children:
            self._note_children()
        return children

    def is_guarded(self) -> bool:
        """Whether the watchdog is alive."""
        return self._watchdog is not None and self._watchdog.poll() is None

    def stop(self) -> None:
        """Stop everything the same way as after a crash: the watchdog does it when the pipe ends."""
        if self._watchdog is not None:
            assert self._watchdog.stdin is not None
            self._watchdog.stdin.close()
            self._watchdog.wait()
            self._watchdog = None
        watchdog.stop_processes(
            watched for _, watched in self._children.values()
        )  # finds work only if the watchdog was killed
        for child, _ in self._children.values():
            child.process.wait()
        self._children.clear()
        self._layout.children.unlink(missing_ok=True)
        self._alive_lock.release()

    def _watch(self, child: ChildProcess) -> None:
        pid = child.process.pid
        watched = watchdog.WatchedProcess(
            pid=pid,
            started=watchdog.read_start_time(pid) or "",
            rank=child.program.rank,
            signals=child.program.signals,
        )
        self._children[pid] = (child, watched)
        self._send_to_watchdog({"watch": watched})
        self._note_children()

    def _send_to_watchdog(self, message: dict[str, object]) -> None:
        assert self._watchdog is not None
        assert self._watchdog.stdin is not None
        try:
            self._watchdog.stdin.write(json.dumps(message).encode() + b"\n")
            self._watchdog.stdin.flush()
        except BrokenPipeError:
            raise StartRefused("Stopping: the watchdog was killed, so nothing would clean up after a crash.") from None

    def _note_children(self) -> None:
        text = json.dumps([watched for _, watched in self._children.values()])
        unfinished = self._layout.children.with_suffix(".new")
        unfinished.write_text(text)
        unfinished.replace(self._layout.children)

    def _stop_leftovers(self) -> None:
        """Stop processes left by an earlier run whose watchdog was killed too."""
        try:
            leftovers: list[watchdog.WatchedProcess] = json.loads(self._layout.children.read_text())
        except (FileNotFoundError, ValueError):
            return
        # Only those that are certainly ours: the pid of an ended process may have been reused.
        watchdog.stop_processes(
            entry for entry in leftovers if watchdog.read_start_time(entry["pid"]) == entry["started"]
        )


def _rotate_log(log: Path) -> None:
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_suffix(f"{log.suffix}.1"))


def _kill_session(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
