"""Run both servers inside a `with` block, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.embedded.layout import FolderLayout
from config.embedded.lock import FileLock
from config.embedded.postgres import PostgresServer
from config.embedded.refusal import StartRefused
from config.embedded.supervisor import Supervisor
from config.embedded.valkey import ValkeyServer

MAX_PARALLEL_RUNS = 4


@dataclass(frozen=True)
class ServerUrls:
    """The servers' addresses, in the format of DATABASE_URL and REDIS_URL."""

    database_url: str
    redis_url: str


@contextmanager
def run_servers(root: Path, *, disposable: bool = False) -> Iterator[ServerUrls]:
    """Run PostgreSQL and Valkey below `root`, or beside it when that folder is in use. Raises StartRefused.

    They stop with the block, or with the process if it is killed. `disposable` servers are faster, may lose data on a
    power failure, and recreate data of another version.
    """
    layout, held = _lock_unused_layout(root)
    try:
        with Supervisor(layout) as supervisor:
            postgres = PostgresServer(layout, disposable=disposable)
            valkey = ValkeyServer(layout, disposable=disposable)
            postgres.start(supervisor)
            valkey.start(supervisor)
            yield ServerUrls(database_url=postgres.url, redis_url=valkey.url)
    finally:
        held.release()


def _lock_unused_layout(root: Path) -> tuple[FolderLayout, FileLock]:
    for number in range(1, MAX_PARALLEL_RUNS + 1):
        layout = FolderLayout(root if number == 1 else root.with_name(f"{root.name}-{number}"))
        layout.make_folders()
        held = FileLock(layout.lock)
        if held.take(wait=0):
            return layout, held
    raise StartRefused(
        f"{MAX_PARALLEL_RUNS} other runs already use {root} and the folders beside it. Wait until one of them ends."
    )
