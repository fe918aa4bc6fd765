"""A Valkey server that listens only on a unix socket: the broker for Celery's messages."""

import os
import signal
import socket
import time
from pathlib import Path

from config.embedded import binaries, layout
from config.embedded.layout import FolderLayout
from config.embedded.refusal import StartRefused
from config.embedded.supervisor import ChildProcess, Program, Supervisor

STOP_RANK = 30
START_TIMEOUT_SECONDS = 60


class ValkeyServer:
    """The server below a layout; a `disposable` one keeps its data in memory only."""

    def __init__(self, place: FolderLayout, *, disposable: bool = False) -> None:
        self._layout = place
        self._disposable = disposable
        self._folder = layout.choose_socket_folder(place.run / "valkey", longest_name="valkey.sock")
        self._socket = self._folder / "valkey.sock"

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    def start(self, supervisor: Supervisor) -> ChildProcess:
        """Start the server and wait until it answers. Raises StartRefused."""
        layout.make_private_folder(self._folder, uid=os.geteuid(), gid=os.getegid())
        child = supervisor.start(self._program(binaries.find_valkey()))
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self._answers():
            if child.exit_code is not None:
                raise StartRefused(f"Valkey failed to start. Last lines of {child.program.log}:\n{child.log_tail()}")
            if time.monotonic() > deadline:
                raise StartRefused(f"Valkey did not answer within {START_TIMEOUT_SECONDS} s. See {child.program.log}.")
            time.sleep(0.02)
        return child

    def _program(self, program: Path) -> Program:
        return Program(
            name="Valkey",
            arguments=[
                program,
                *("--port", "0"),
                *("--unixsocket", self._socket, "--unixsocketperm", "700"),
                *("--dir", self._layout.valkey),
                *("--save", ""),
                *("--appendonly", "no" if self._disposable else "yes", "--appendfsync", "everysec"),
                # A broker that drops messages to make room would be worse than one that rejects them.
                *("--maxmemory-policy", "noeviction"),
                *("--loglevel", "warning"),
            ],
            log=self._layout.logs / "valkey.log",
            rank=STOP_RANK,
            signals=[(signal.SIGTERM, 10), (signal.SIGKILL, 5)],
            environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            folder=Path("/"),
        )

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(str(self._socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False
