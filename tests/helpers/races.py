"""Run functions concurrently on real database connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any

from django.db import connections

from config.embedded.lock import FileLock
from tests.helpers.servers import VAR_DIRECTORY


def race(*acts: Callable[[], Any]) -> list[Any]:
    """Run each function on its own connection, all starting together; returns results or exceptions in order."""
    barrier = Barrier(len(acts), timeout=60)

    def run(act: Callable[[], Any]) -> Any:
        try:
            connections["default"].ensure_connection()
            barrier.wait()
            return act()
        except Exception as error:  # noqa: BLE001 - the test looks at what happened
            return error
        finally:
            connections.close_all()

    with _hold_race_lock(), ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@contextmanager
def _hold_race_lock() -> Iterator[None]:
    """While no other process of the tests races: a server that has connections for one race may not for two."""
    VAR_DIRECTORY.mkdir(parents=True, exist_ok=True)
    lock = FileLock(VAR_DIRECTORY / "race.lock")
    assert lock.take(wait=300)
    try:
        yield
    finally:
        lock.release()


def filter_results(kind: type[Any], results: Sequence[Any]) -> list[Any]:
    return [result for result in results if isinstance(result, kind)]
