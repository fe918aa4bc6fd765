"""Simulate reviewers' browsers over HTTP from another process: signed in, one connection each, no rendering."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context

from benchmarks import client

_NEXT = re.compile(rb'action="(/queues/[^"]+/verdict/)"')
_TOKEN = re.compile(rb"(csrftoken\w*)=([^;]+)")


@dataclass(frozen=True, slots=True)
class Seat:
    """A reviewer at a queue's desk: the site's address and the reviewer's session cookie, `name=value`."""

    host: str
    port: int
    path: str
    session: str


class Reviewers:
    """Reviewers that answer from another process, so that their work does not slow the server."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def judge(self, seats: Sequence[Seat], count: int, *, every: float = 0.0) -> list[float]:
        """Give `count` answers per reviewer, at least `every` seconds apart; returns each one's duration in seconds."""
        return self._pool.submit(_together, _judge, seats, count, every).result()

    def post(self, seats: Sequence[Seat], count: int, *, every: float = 0.0) -> list[float]:
        """The same number of posts to the bare view."""
        return self._pool.submit(_together, _post, seats, count, every).result()

    def size(self, seat: Seat) -> int:
        """The size in bytes of the desk's response with the next item."""
        return self._pool.submit(_size, seat).result()


@contextmanager
def running() -> Iterator[Reviewers]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield Reviewers(pool)


class _Browser:
    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._cookie = seat.session
        self._token = ""
        self._connection = socket.create_connection((seat.host, seat.port), timeout=60)

    def look(self) -> str:
        """Load the page and return the address for the next answer."""
        head, body = self.exchange(self._request("GET", self._seat.path))
        if found := _TOKEN.search(head):
            self._token = found[2].decode()
            self._cookie = f"{self._seat.session}; {found[1].decode()}={self._token}"
        return _next(body)

    def answer(self, path: str) -> bytes:
        """Agree, and return the desk with the next item."""
        return self.exchange(self._request("POST", path, "verdict=agree&active_seconds=2&reason=&note="))[1]

    def exchange(self, request: bytes) -> tuple[bytes, bytes]:
        self._connection.sendall(request)
        return client.read(self._connection)

    def close(self) -> None:
        self._connection.close()

    def _request(self, method: str, path: str, body: str = "") -> bytes:
        lines = (
            f"{method} {path} HTTP/1.1",
            f"Host: {self._seat.host}:{self._seat.port}",
            f"Cookie: {self._cookie}",
            "HX-Request: true",
            f"X-CSRFToken: {self._token}",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
        )
        return "\r\n".join((*lines, "", body)).encode()


def _judge(seat: Seat, count: int, every: float, late: float) -> list[float]:
    """Answer `count` items; loading the first page is not timed."""
    browser = _Browser(seat)
    path, taken = browser.look(), []
    for due in _times(count, every, late):
        time.sleep(max(0.0, due - time.monotonic()))
        began = time.perf_counter()
        body = browser.answer(path)
        taken.append(time.perf_counter() - began)
        path = _next(body)
    browser.close()
    return taken


def _post(seat: Seat, count: int, every: float, late: float) -> list[float]:
    browser, taken = _Browser(seat), []
    for due in _times(count, every, late):
        time.sleep(max(0.0, due - time.monotonic()))
        began = time.perf_counter()
        browser.answer(seat.path)
        taken.append(time.perf_counter() - began)
    browser.close()
    return taken


def _size(seat: Seat) -> int:
    browser = _Browser(seat)
    size = len(browser.answer(browser.look()))
    browser.close()
    return size


def _times(count: int, every: float, late: float) -> Iterator[float]:
    began = time.monotonic() + late
    return (began + number * every for number in range(count))


def _next(body: bytes) -> str:
    found = _NEXT.search(body)
    if found is None:
        raise ConnectionError(f"No item to answer: {body[:600]!r}")
    return found[1].decode()


type _Work = Callable[[Seat, int, float, float], list[float]]


def _together(work: _Work, seats: Sequence[Seat], count: int, every: float) -> list[float]:
    """Run each seat in a thread, with staggered starts so that paced reviewers don't answer at the same moment."""
    taken: list[float] = []
    failures: list[BaseException] = []

    def sit(number: int, seat: Seat) -> None:
        try:
            taken.extend(work(seat, count, every, every * number / len(seats)))
        except BaseException as failure:  # noqa: BLE001 - raised again in the main thread
            failures.append(failure)

    threads = [threading.Thread(target=sit, args=pair) for pair in enumerate(seats)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return taken
