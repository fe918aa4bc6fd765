"""A process that outlives its parent, to stop the processes the parent leaves behind.

It reads lines of JSON from a pipe: `{"watch": {...}}`, `{"forget": PID}`. The end of the pipe means that the parent
has ended, for whatever reason, and everything still watched is stopped, lowest rank first. A pipe works where a
parent-death signal doesn't: on macOS, and across a change of user.

It runs as a standalone script without site-packages, so it imports only the standard library.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict


class WatchedProcess(TypedDict):
    """A process that leads its own session, and how to stop it: signals, with the seconds to wait after each."""

    pid: int
    started: str
    rank: int
    signals: list[tuple[int, float]]


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watched: dict[int, WatchedProcess] = {}
    for line in sys.stdin:
        message = json.loads(line)
        if "forget" in message:
            watched.pop(message["forget"], None)
        else:
            watched[message["watch"]["pid"]] = message["watch"]
    stop_processes(watched.values())


def stop_processes(watched: Iterable[WatchedProcess]) -> None:
    """Stop these processes and everything they started, one after another by rank."""
    for process in sorted(watched, key=lambda process: process["rank"]):
        _stop_process(process)


def read_start_time(pid: int) -> str | None:
    """The start time of a process, which tells it from a later one with the same pid; None when it has ended, even if
    it was not reaped."""
    if not Path("/proc/self/stat").exists():
        return _read_start_time_by_ps(pid)
    try:
        # The name in parentheses may contain anything; after it come the state and, as the 20th field, the start time.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else fields[19]


def _stop_process(process: WatchedProcess) -> None:
    for number, patience in process["signals"]:
        if not _is_running(process):
            break
        _send_signal(process["pid"], number)
        deadline = time.monotonic() + patience
        while _is_running(process) and time.monotonic() < deadline:
            time.sleep(0.02)
    if read_start_time(process["pid"]) in {None, process["started"]}:
        # The leader has ended; kill what is left of its session.
        _send_signal(process["pid"], signal.SIGKILL)


def _is_running(process: WatchedProcess) -> bool:
    return read_start_time(process["pid"]) == process["started"]


def _send_signal(pid: int, number: int) -> None:
    """Signal only the process, so that it can stop its own children in order; SIGKILL goes to its whole session."""
    try:
        if number == signal.SIGKILL:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass  # Gone, or as good as gone: macOS reports EPERM for a group of zombies.


def _read_start_time_by_ps(pid: int) -> str | None:
    line = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],  # noqa: S607 -- its path differs between systems
        capture_output=True,
        check=False,
        text=True,
    ).stdout.strip()
    state, _, started = line.partition(" ")
    return None if not line or state.startswith("Z") else started.strip()


if __name__ == "__main__":
    main()
