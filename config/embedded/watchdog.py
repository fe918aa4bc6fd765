"""The process that outlives the one that started it, to stop what that one leaves behind.

It reads lines of JSON from a pipe: `{"watch": {...}}`, `{"forget": PID}`. The end of the pipe means that the
other side has ended, in whatever way, and everything still watched is stopped, lowest rank first. A pipe
works where a parent-death signal doesn't: on macOS, and across a change of user.

It runs as a script, by itself and without site-packages, so it imports the standard library alone.
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
    """A process that leads its own session, and how it is ended: signals, and seconds to wait after each."""

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
    """Stop these processes and what they started, one after the other in the order of their ranks."""
    for process in sorted(watched, key=lambda process: process["rank"]):
        _stop_process(process)


def read_start_time(pid: int) -> str | None:
    """What tells a process from a later one of the same number; None when it has ended, reaped or not."""
    if not Path("/proc/self/stat").exists():
        return _read_start_time_by_ps(pid)
    try:
        # The name in parentheses may hold anything; behind it come the state and, as the 20th, the start.
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
        # The leader has ended; who is left of its session has nobody to listen to.
        _send_signal(process["pid"], signal.SIGKILL)


def _is_running(process: WatchedProcess) -> bool:
    return read_start_time(process["pid"]) == process["started"]


def _send_signal(pid: int, number: int) -> None:
    """To the process alone, so that it can end its own children in order; but SIGKILL takes all of them."""
    try:
        if number == signal.SIGKILL:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass  # Gone, or so good as gone: macOS says EPERM of a group of zombies.


def _read_start_time_by_ps(pid: int) -> str | None:
    line = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],  # noqa: S607 -- its place differs between systems
        capture_output=True,
        check=False,
        text=True,
    ).stdout.strip()
    state, _, started = line.partition(" ")
    return None if not line or state.startswith("Z") else started.strip()


if __name__ == "__main__":
    main()
