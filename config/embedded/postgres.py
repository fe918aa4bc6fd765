"""A PostgreSQL server that listens only on a unix socket."""

import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from config.embedded import account, binaries, layout, watchdog
from config.embedded.layout import FolderLayout
from config.embedded.refusal import StartRefused
from config.embedded.supervisor import ChildProcess, Program, Supervisor

DATABASE_NAME = "reviewqueue"  # also the name of the role, which is not a superuser
STOP_RANK = 40
START_TIMEOUT_SECONDS = 180  # after a crash it replays its write-ahead log first

# For a small server next to the application on one machine; data survives a power failure.
SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "effective_cache_size": "512MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "512MB",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "autovacuum_max_workers": "2",
    "max_logical_replication_workers": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
DISPOSABLE_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
    "bgwriter_lru_maxpages": "0",
    "shared_buffers": "256MB",
    "autovacuum": "off",  # tests that need statistics run ANALYZE
    "max_connections": "200",  # for the concurrency tests
}


class PostgresServer:
    """The cluster below a layout. `disposable` trades durability for speed and recreates data of another version."""

    def __init__(self, place: FolderLayout, *, disposable: bool = False) -> None:
        self._layout = place
        self._disposable = disposable
        self._account = account.find_postgres_account()
        home = self._home()
        self._data = home / "postgres"
        self._socket = layout.choose_socket_folder(home / "socket", longest_name=".s.PGSQL.5432")

    @property
    def url(self) -> str:
        return f"postgresql://{DATABASE_NAME}@/{DATABASE_NAME}?host={quote(str(self._socket), safe='')}"

    def start(self, supervisor: Supervisor) -> ChildProcess:
        """Create what is missing, start the server and wait until it answers. Raises StartRefused."""
        programs = binaries.find_postgres(self._account)
        self._make_cluster(programs)
        layout.make_private_folder(self._socket, uid=self._account.uid, gid=self._account.gid)
        self._drop_stale_pid_file()
        child = supervisor.start(self._program(programs))
        self._wait_for(child)
        self._make_database()
        return child

    def _home(self) -> Path:
        """The folder of data and socket: below the layout, unless the server's user has no access to it."""
        if not self._account.dropped:
            return self._layout.root
        if self._layout.postgres.is_symlink():
            return self._layout.postgres.readlink().parent
        if self._account.can_enter(self._layout.root):
            return self._layout.root
        if self._layout.postgres.exists():
            raise StartRefused(
                f"PostgreSQL runs as user {self._account.name} when started by root, and that user cannot access its "
                f"data in {self._layout.postgres}. Make every folder above it accessible (chmod a+x), or start as a "
                "regular user."
            )
        return binaries.SYSTEM_HOME / layout.hash_path(self._layout.root)

    def _make_cluster(self, programs: binaries.PostgresPrograms) -> None:
        """Create the data folder atomically unless it exists. Raises StartRefused if the existing one is unusable."""
        if (self._data / "PG_VERSION").exists():
            layout.require_owner(self._data, owner=self._account.uid)
            made_by = (self._data / "PG_VERSION").read_text().strip()
            if made_by == str(programs.major):
                return
            if not self._disposable:
                raise StartRefused(
                    f"The data in {self._layout.postgres} was written by PostgreSQL {made_by}, but this server is "
                    f"version {programs.major}. Dump it with the old version and restore it with the new one, move "
                    f"the folder away to start afresh, or {account.OWN_DATABASE_HINT}."
                )
            shutil.rmtree(self._data)
        unfinished = self._data.with_name("postgres.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        self._data.parent.mkdir(parents=True, exist_ok=True)
        layout.make_private_folder(unfinished, uid=self._account.uid, gid=self._account.gid)
        self._initdb(programs, unfinished)
        unfinished.rename(self._data)
        if self._data != self._layout.postgres:
            self._layout.postgres.unlink(missing_ok=True)
            self._layout.postgres.symlink_to(self._data)

    def _initdb(self, programs: binaries.PostgresPrograms, data: Path) -> None:
        # Not the system's locales: their sort order differs between machines.
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if programs.major >= 17 else []
        # Nobody else can enter the socket's folder, so local connections are trusted.
        command: list[str | Path] = [
            programs.folder / "initdb",
            *("--pgdata", data),
            *("--username=postgres", "--auth-local=trust", "--auth-host=reject"),
            *("--encoding=UTF8", "--locale=C", *locale),
            *(["--no-sync"] if self._disposable else []),
        ]
        try:
            subprocess.run(
                command,
                cwd="/",
                env=_build_environment(),
                capture_output=True,
                check=True,
                text=True,
                **self._account.identity,
            )
        except subprocess.CalledProcessError as failure:
            raise StartRefused(f"PostgreSQL cannot create its data folder:\n{failure.stderr.strip()}") from None

    def _drop_stale_pid_file(self) -> None:
        """Remove a stale pid file: after a crash its pid may belong to another process, which blocks the start."""
        file = self._data / "postmaster.pid"
        if not file.exists():
            return
        pid = int(file.read_text().split("\n", 1)[0])
        if watchdog.read_start_time(pid) is None or "postgres" not in _read_command(pid):
            file.unlink()

    def _program(self, programs: binaries.PostgresPrograms) -> Program:
        settings = SERVER_SETTINGS | (DISPOSABLE_SETTINGS if self._disposable else {})
        settings["unix_socket_directories"] = str(self._socket)
        if programs.major >= 18:
            settings["io_method"] = "sync"  # saves three processes a small server doesn't need
        return Program(
            name="PostgreSQL",
            arguments=[
                programs.folder / "postgres",
                "-D",
                self._data,
                *(argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")),
            ],
            log=self._layout.logs / "postgres.log",
            rank=STOP_RANK,
            # Fast shutdown first; then immediate, which needs recovery at the next start but loses no data.
            signals=[(signal.SIGINT, 30), (signal.SIGQUIT, 10), (signal.SIGKILL, 5)],
            environment=_build_environment(),
            folder=Path("/"),
            identity=self._account.identity,
            vital=True,
        )

    def _wait_for(self, child: ChildProcess) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self._answers():
            if child.exit_code is not None:
                raise StartRefused(
                    f"PostgreSQL failed to start. Last lines of {child.program.log}:\n{child.log_tail()}"
                )
            if time.monotonic() > deadline:
                raise StartRefused(
                    f"PostgreSQL did not answer within {START_TIMEOUT_SECONDS} s. See {child.program.log}."
                )
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _make_database(self) -> None:
        with self._connect() as connection:
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [DATABASE_NAME]).fetchall():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(DATABASE_NAME)))
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE_NAME]).fetchall():
                connection.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(DATABASE_NAME)))

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self._socket),
            port=5432,
            user="postgres",
            dbname="postgres",
            autocommit=True,
            connect_timeout=5,
        )


def _build_environment() -> dict[str, str]:
    """An environment without user variables that change PostgreSQL's behaviour, and with English messages to parse."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


def _read_command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        pass
    shown = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)],  # noqa: S607 -- its path differs between systems
        capture_output=True,
        check=False,
        text=True,
    )
    return shown.stdout
