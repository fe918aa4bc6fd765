"""`manage.py up`: run the whole product in the foreground, including its servers."""

import http.client
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError, connection
from django.urls import reverse

from config.embedded import StartRefused, ending, environment, programs
from config.embedded.keeper import ProcessKeeper
from config.embedded.layout import FolderLayout
from config.embedded.lock import FileLock
from config.embedded.postgres import PostgresServer
from config.embedded.progress import Progress
from config.embedded.supervisor import ChildProcess, Supervisor
from config.embedded.valkey import ValkeyServer
from reviewqueue.accounts import first_administrator

WEB_START_TIMEOUT_SECONDS = 60


class Command(BaseCommand):
    help = (
        "Run everything in the foreground: the web server, the workers, and PostgreSQL and Valkey "
        "unless DATABASE_URL and REDIS_URL are set."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument(
            "--port", type=int, default=8000, help="port to listen on; 0 picks a free one (default: %(default)s)"
        )
        parser.add_argument("--no-demo", action="store_false", dest="demo", help="start without demo data")

    def handle(self, *args: Any, host: str, port: int, demo: bool, **options: Any) -> None:
        progress = Progress()
        ending.install_stop_handlers()
        try:
            SiteRun(progress, demo=demo).run(host=host, port=port)
        except ending.StopRequested:
            progress.say("Stopped.")
        except StartRefused as reason:
            sys.exit(f"{reason}")


class SiteRun:
    """One run of the whole product, from taking the lock until the last process has ended."""

    def __init__(self, progress: Progress, *, demo: bool) -> None:
        self._progress = progress
        self._demo = demo
        self._layout = FolderLayout(settings.BASE_DIR / "var")

    def run(self, *, host: str, port: int) -> None:
        """Run until asked to stop. Raises StartRefused when it cannot start or continue."""
        # The supervisor first stops what a crash left behind, which may still hold the port.
        with (
            hold_folder(self._layout) as lock,
            Supervisor(self._layout) as supervisor,
            open_listener(host, port) as listener,
        ):
            url = format_url(listener)
            lock.write(url)
            try:
                self._run_until_stopped(supervisor, listener, url)
            finally:
                environment.withdraw_variables(self._layout)
                self._progress.say("Stopping. Your data stays in var/.")

    def _run_until_stopped(self, supervisor: Supervisor, listener: socket.socket, url: str) -> None:
        keeper = ProcessKeeper(supervisor, self._progress.say)
        self._start_servers(supervisor)
        self._prepare_database()
        environment.publish_variables(self._layout, os.environ)
        with self._progress.step("Starting the web server and the workers"):
            web = supervisor.start(
                programs.build_web_program(self._layout, folder=settings.BASE_DIR, listener=listener.fileno())
            )
            supervisor.start(programs.build_workers_program(self._layout, folder=settings.BASE_DIR))
            wait_for_web(web, listener)
        self._welcome(url, port=listener.getsockname()[1])
        connection.close()
        while True:
            keeper.restart_due()
            time.sleep(0.5)

    def _start_servers(self, supervisor: Supervisor) -> None:
        """Start the embedded servers, except those replaced by the user's own URL."""
        postgres, valkey = PostgresServer(self._layout), ValkeyServer(self._layout)
        if os.environ["DATABASE_URL"] == postgres.url:
            with self._progress.step("Starting PostgreSQL"):
                postgres.start(supervisor)
        if os.environ["REDIS_URL"] == valkey.url:
            with self._progress.step("Starting Valkey"):
                valkey.start(supervisor)

    def _prepare_database(self) -> None:
        try:
            connection.ensure_connection()
        except OperationalError as failure:
            raise StartRefused(f"Cannot connect to the PostgreSQL in DATABASE_URL: {failure}") from failure
        with self._progress.step("Migrating the database"):
            call_command("migrate", interactive=False, verbosity=0)
        # The marker distinguishes an interrupted demo from a complete one.
        unfinished = self._layout.root / "demo-unfinished"
        if self._demo and (unfinished.exists() or not get_user_model().objects.exists()):
            self._progress.say("Creating demo data (skip it with --no-demo)")
            unfinished.touch()
            call_command("demo")
            unfinished.unlink()

    def _welcome(self, url: str, *, port: int) -> None:
        if self._demo:
            call_command("demo", "--welcome", "--port", port)
        if first_administrator.is_missing():
            link = f"{url}{reverse('setup')}?token={first_administrator.get_setup_token()}"
            self._progress.say(f"\nCreate the first administrator: {link}")
        self._progress.say(f"\nReady: {url}\nLogs are in {self._layout.logs}. Ctrl-C stops everything.")


@contextmanager
def hold_folder(layout: FolderLayout) -> Iterator[FileLock]:
    """Hold the folder's lock, so that only one `up` uses it. Raises StartRefused if another one does."""
    lock = FileLock(layout.lock)
    if not lock.take(wait=1):
        raise StartRefused(f"reviewqueue is already running: {layout.lock.read_text() or 'it is still starting'}")
    environment.withdraw_variables(layout)  # left by a crash, and not valid for this run
    try:
        yield lock
    finally:
        lock.release()


@contextmanager
def open_listener(host: str, port: int) -> Iterator[socket.socket]:
    """Open the port for the whole run. Raises StartRefused when it is not available."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as failure:
        raise StartRefused(
            f"Cannot listen on {host}:{port}: {str(failure.strerror).partition(' (')[0]}. "
            f"Use another port: make up ARGS='--port {port + 1}'"
        ) from None
    with listener:
        yield listener


def format_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def wait_for_web(web: ChildProcess, listener: socket.socket) -> None:
    """Wait until /healthz answers. Raises StartRefused when the process ends or after `WEB_START_TIMEOUT_SECONDS`."""
    deadline = time.monotonic() + WEB_START_TIMEOUT_SECONDS
    while not is_answering(format_url(listener)):
        if web.exit_code is not None:
            raise StartRefused(f"The web server failed to start. Last lines of {web.program.log}:\n{web.log_tail()}")
        if time.monotonic() > deadline:
            raise StartRefused(
                f"The web server did not answer within {WEB_START_TIMEOUT_SECONDS} s. See {web.program.log}."
            )
        time.sleep(0.1)


def is_answering(url: str) -> bool:
    client = http.client.HTTPConnection(url.removeprefix("http://"), timeout=2)
    try:
        client.request("GET", "/healthz")
        return client.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()
