"""Both servers for as long as a block runs: what the tests need."""

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
    """Where the servers listen, as DATABASE_URL and REDIS_URL spell it."""

    database_url: str
    redis_url: str


@contextmanager
def run_servers(root: Path, *, disposable: bool = False) -> Iterator[ServerUrls]:
    """Run PostgreSQL and Valkey below `root`, or beside it when that one is in use. Raises Refused.

    They end with the block, and with the process when that is killed. `disposable` servers are faster, lose
    data with the power, and begin anew when their data is of another version.
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
        f"{MAX_PARALLEL_RUNS} others use {root} and the folders beside it already: wait until one of them ends."
    )
