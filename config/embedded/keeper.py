"""Keeps programs running: one that ends by itself is started again, a little later each time."""

import time
from collections.abc import Callable

from config.embedded.refusal import StartRefused
from config.embedded.supervisor import ChildProcess, Program, Supervisor

MAX_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0  # who ran that long starts again without a pause


class ProcessKeeper:
    """Looks after a supervisor's children; `say` tells the user what happened."""

    def __init__(self, supervisor: Supervisor, say: Callable[[str], None]) -> None:
        self._supervisor = supervisor
        self._say = say
        self._pauses: dict[str, float] = {}
        self._due: list[tuple[float, Program]] = []

    def restart_due(self) -> None:
        """Start again what is due. Raises Refused without a vital child or the watchdog."""
        if not self._supervisor.is_guarded():
            raise StartRefused("The watchdog was killed; stopping, because nothing would clean up after a crash.")
        now = time.monotonic()
        for child in self._supervisor.reap_ended():
            self._schedule_restart(child, now=now)
        for due, program in [entry for entry in self._due if entry[0] <= now]:
            self._due.remove((due, program))
            self._supervisor.start(program)

    def _schedule_restart(self, child: ChildProcess, *, now: float) -> None:
        name = child.program.name
        what = f"{name} ended by itself ({_describe_exit(child.exit_code)})"
        if child.program.vital:
            raise StartRefused(f"{what}; stopping. The end of {child.program.log}:\n{child.log_tail()}")
        pause = 0.0 if now - child.started_at > STEADY_SECONDS else self._pauses.get(name, 0.0)
        self._pauses[name] = min(max(1.0, pause * 2), MAX_PAUSE_SECONDS)
        self._due.append((now + pause, child.program))
        self._say(f"{what}; starting it again in {pause:.0f} s. Its log: {child.program.log}")


def _describe_exit(exit_code: int | None) -> str:
    return f"signal {-exit_code}" if exit_code is not None and exit_code < 0 else f"exit status {exit_code}"
