"""A separate web server on the test database that tests can kill and restart."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from tests.helpers.processes import build_database_url, wait_until

ROOT = Path(__file__).resolve().parents[2]


class WebServer:
    """Gunicorn as the product runs it, always at the same address."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port: int = free.getsockname()[1]
        self._log = folder / "web.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        own = {"DATABASE_URL": build_database_url(), "SECRET_KEY": settings.SECRET_KEY, "LOG_LEVEL": "WARNING"}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py", "--workers", "1"),
                    *("--bind", f"127.0.0.1:{self._port}", "config.wsgi"),
                ],
                cwd=ROOT,
                env=os.environ | own,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._listens)

    def kill(self) -> None:
        """Kill it at once, in the middle of its work."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text(errors="replace")[-2000:]
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0
