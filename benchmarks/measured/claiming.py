"""Clients that claim as fast as possible, through the product or a bare statement, alone or several at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier

from django.db import connection

from benchmarks.measured import limits
from benchmarks.measured.waiting import Line
from reviewqueue.models import User
from reviewqueue.queue.claim import claim_next
from reviewqueue.queue.lease import ClaimId

# What judging does to the slot, so that reserved ones don't pile up at the head as they never do in real life.
_DONE = "UPDATE reviewqueue_slot SET state = 'judged', reserved_until = NULL WHERE id = %s"

_start: list[Barrier] = []  # of a client's process, where it cannot be handed to a task


def claim(line: Line, user: User, count: int) -> list[float]:
    """The duration of each claim in seconds, without the judging in between."""
    return [_claim(line, user) for _ in range(count)]


def claim_bare(line: Line, count: int) -> list[float]:
    """The same for the one statement a claim cannot do without, on a bare table."""
    statement = (
        f"UPDATE {line.bare} SET state = 'taken', holder = 1 WHERE id = (SELECT id FROM {line.bare} "
        "WHERE state = 'open' ORDER BY rank, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id"
    )
    taken = []
    with limits.connected() as bare:
        for _ in range(count):
            began = time.perf_counter()
            row = bare.execute(statement).fetchone()
            taken.append(time.perf_counter() - began)
            assert row is not None
    return taken


class Clients:
    """One process per person; they start each round together."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def claim(self, line: Line, users: Sequence[User], count: int) -> list[float]:
        return _all([self._pool.submit(_claim_together, line, user, count).result for user in users])

    def claim_bare(self, line: Line, users: Sequence[User], count: int) -> list[float]:
        return _all([self._pool.submit(_claim_bare_together, line, count).result for _ in users])


@contextmanager
def clients(count: int) -> Iterator[Clients]:
    context = get_context("spawn")
    barrier = context.Barrier(count)
    with ProcessPoolExecutor(count, mp_context=context, initializer=_remember, initargs=(barrier,)) as pool:
        yield Clients(pool)


def _claim(line: Line, user: User) -> float:
    began = time.perf_counter()
    claimed = claim_next(user=user, slug=line.slug)
    taken = time.perf_counter() - began
    assert claimed is not None
    with connection.cursor() as cursor:
        cursor.execute(_DONE, [ClaimId.parse(claimed.id).slot])
    return taken


def _remember(barrier: Barrier) -> None:
    _start.append(barrier)


def _claim_together(line: Line, user: User, count: int) -> list[float]:
    connection.ensure_connection()
    _start[0].wait(timeout=120)
    return claim(line, user, count)


def _claim_bare_together(line: Line, count: int) -> list[float]:
    _start[0].wait(timeout=120)
    return claim_bare(line, count)


def _all(results: Sequence[Callable[[], list[float]]]) -> list[float]:
    return [seconds for result in results for seconds in result()]
