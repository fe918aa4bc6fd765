"""The supervisor handles a child that dies at a bad moment."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from config.embedded import watchdog
from config.embedded.layout import FolderLayout
from config.embedded.supervisor import Program, Supervisor

pytestmark = pytest.mark.fault


def test_a_child_killed_before_its_program_runs_is_reported_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = FolderLayout(tmp_path)
    layout.make_folders()
    with Supervisor(layout) as supervisor:
        monkeypatch.setattr(watchdog, "read_start_time", _killing(watchdog.read_start_time))
        child = supervisor.start(_program(layout, tmp_path))
        monkeypatch.undo()
        assert supervisor.reap_ended() == [child]
        assert child.exit_code == -signal.SIGKILL


def _killing(start_time: Callable[[int], str | None]) -> Callable[[int], str | None]:
    """In place of `start_time`, which is asked of every child that waits to become its program."""

    def kill_first(pid: int) -> str | None:
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return start_time(pid)

    return kill_first


def _program(layout: FolderLayout, folder: Path) -> Program:
    return Program(
        name="Nothing",
        arguments=[sys.executable, "-c", "pass"],
        log=layout.logs / "nothing.log",
        rank=10,
        signals=[(signal.SIGKILL, 5)],
        environment=dict(os.environ),
        folder=folder,
    )
