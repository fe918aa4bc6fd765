"""The processes that one command has started, all of which end when it ends, however that happens."""

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

MAX_LOG_BYTES = 5_000_000  # bytes; checked at each start, one older log is kept

# A child becomes its program only after the watchdog was told of it: it waits for a line, and when the pipe
# ends without one, its starter has died in between and it just ends.
GATE_COMMAND = ["/bin/sh", "-c", 'read -r go && exec "$@" </dev/null', "sh"]


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run and how to end it: the lowest rank first; signals with the seconds to wait after each.

    Without a vital program nothing else has a point.
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
    """A program that was started."""

    program: Program
    process: subprocess.Popen[bytes]
    started_at: float

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self.process.poll()

    def log_tail(self) -> str:
        """The end of its log, for the sentence that says it has died."""
        lines = self.program.log.read_text(errors="replace").splitlines()[-8:]
        return "\n".join(f"    {line}" for line in lines)


class Supervisor:
    """Starts programs below one layout and stops them on leaving."""

    def __init__(self, layout: FolderLayout) -> None:
        self._layout = layout
        self._alive_lock = FileLock(layout.watchdog_lock)
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._children: dict[int, tuple[ChildProcess, watchdog.WatchedProcess]] = {}

    def __enter__(self) -> Self:
        # After a kill the predecessor's watchdog needs a moment to stop what it left.
        if not self._alive_lock.take(wait=60):
            raise StartRefused(f"Processes of an earlier start below {self._layout.root} don't end: wait, or end them.")
        self._stop_leftovers()
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", watchdog.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            pass_fds=[self._alive_lock.fileno()],  # so that the lock outlives this process as the watchdog does
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, program: Program) -> ChildProcess:
        """Run `program` in a session of its own, its output appended to its log."""
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
        with suppress(BrokenPipeError), process.stdin as gate:  # killed at the gate: `ended` tells of it
            gate.write(b"go\n")
        return child

    def reap_ended(self) -> list[ChildProcess]:
        """The children that have ended since the last call, without anyone they left behind."""
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
        """Stop everything, by the same way as after a crash: the watchdog does it when the pipe ends."""
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
            raise StartRefused(
                "The watchdog was killed: stopping, because nothing would clean up after a crash."
            ) from None

    def _note_children(self) -> None:
        text = json.dumps([watched for _, watched in self._children.values()])
        unfinished = self._layout.children.with_suffix(".new")
        unfinished.write_text(text)
        unfinished.replace(self._layout.children)

    def _stop_leftovers(self) -> None:
        """Stop what an earlier start has left although its watchdog was killed as well."""
        try:
            leftovers: list[watchdog.WatchedProcess] = json.loads(self._layout.children.read_text())
        except (FileNotFoundError, ValueError):
            return
        # Only those that are surely ours: by now the number of one that has ended may name others.
        watchdog.stop_processes(
            entry for entry in leftovers if watchdog.read_start_time(entry["pid"]) == entry["started"]
        )


def _rotate_log(log: Path) -> None:
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_suffix(f"{log.suffix}.1"))


def _kill_session(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
