"""Restart programs that exit on their own, with a longer pause each time."""

import time
from collections.abc import Callable

from config.embedded.refusal import StartRefused
from config.embedded.supervisor import ChildProcess, Program, Supervisor

MAX_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0  # a program that ran this long restarts without a pause


class ProcessKeeper:
    """Restarts a supervisor's children; `say` reports restarts to the user."""

    def __init__(self, supervisor: Supervisor, say: Callable[[str], None]) -> None:
        self._supervisor = supervisor
        self._say = say
        self._pauses: dict[str, float] = {}
        self._due: list[tuple[float, Program]] = []

    def restart_due(self) -> None:
        """Restart the children that are due. Raises StartRefused when a vital child or the watchdog has died."""
        if not self._supervisor.is_guarded():
            raise StartRefused("Stopping: the watchdog was killed, so nothing would clean up after a crash.")
        now = time.monotonic()
        for child in self._supervisor.reap_ended():
            self._schedule_restart(child, now=now)
        for due, program in [entry for entry in self._due if entry[0] <= now]:
            self._due.remove((due, program))
            self._supervisor.start(program)

    def _schedule_restart(self, child: ChildProcess, *, now: float) -> None:
        name = child.program.name
        what = f"{name} exited unexpectedly ({_describe_exit(child.exit_code)})"
        if child.program.vital:
            raise StartRefused(f"{what}. Stopping. Last lines of {child.program.log}:\n{child.log_tail()}")
        pause = 0.0 if now - child.started_at > STEADY_SECONDS else self._pauses.get(name, 0.0)
        self._pauses[name] = min(max(1.0, pause * 2), MAX_PAUSE_SECONDS)
        self._due.append((now + pause, child.program))
        self._say(f"{what}. Restarting in {pause:.0f} s. Log: {child.program.log}")


def _describe_exit(exit_code: int | None) -> str:
    return f"signal {-exit_code}" if exit_code is not None and exit_code < 0 else f"exit status {exit_code}"
