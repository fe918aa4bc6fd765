"""Both servers for as long as a block runs: what the tests need."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.embedded.layout import Layout
from config.embedded.lock import Lock
from config.embedded.postgres import Postgres
from config.embedded.refusal import Refused
from config.embedded.supervisor import Supervisor
from config.embedded.valkey import Valkey

MOST_AT_ONCE = 4


@dataclass(frozen=True)
class Running:
    """Where the servers listen, as DATABASE_URL and REDIS_URL spell it."""

    database_url: str
    redis_url: str


@contextmanager
def servers(root: Path, *, disposable: bool = False) -> Iterator[Running]:
    """Run PostgreSQL and Valkey below `root`, or beside it when that one is in use. Raises Refused.

    They end with the block, and with the process when that is killed. `disposable` servers are faster, lose
    data with the power, and begin anew when their data is of another version.
    """
    layout, held = _take_unused(root)
    try:
        with Supervisor(layout) as supervisor:
            postgres = Postgres(layout, disposable=disposable)
            valkey = Valkey(layout, disposable=disposable)
            postgres.start(supervisor)
            valkey.start(supervisor)
            yield Running(database_url=postgres.url, redis_url=valkey.url)
    finally:
        held.release()


def _take_unused(root: Path) -> tuple[Layout, Lock]:
    for number in range(1, MOST_AT_ONCE + 1):
        layout = Layout(root if number == 1 else root.with_name(f"{root.name}-{number}"))
        layout.make()
        held = Lock(layout.lock)
        if held.take(wait=0):
            return layout, held
    raise Refused(f"{MOST_AT_ONCE} others use {root} and the folders beside it already: wait until one of them ends.")
