"""A cheap HTTP client in its own process: pre-encoded requests, persistent connections, minimal parsing."""

from __future__ import annotations

import itertools
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Target:
    """Where to post, and additional header lines."""

    host: str
    port: int
    path: str
    headers: tuple[str, ...] = ()

    def request(self, body: bytes) -> bytes:
        lines = (
            f"POST {self.path} HTTP/1.1",
            f"Host: {self.host}:{self.port}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            *self.headers,
        )
        return "\r\n".join((*lines, "", "")).encode() + body


@dataclass(frozen=True, slots=True)
class Posted:
    """The total time and the latency of each request, in seconds."""

    seconds: float
    latencies: list[float]


class Client:
    """Post from another process, so that the client's work does not slow the server."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def flood(self, target: Target, bodies: Sequence[bytes], *, connections: int) -> Posted:
        """Post everything; each connection sends its next request as soon as the last one is answered."""
        return self._pool.submit(_post, target, bodies, connections, None).result()

    def pace(self, target: Target, bodies: Sequence[bytes], *, connections: int, per_second: float) -> Posted:
        """Post at fixed times, whether or not earlier requests were answered; latencies count from the fixed times."""
        return self._pool.submit(_post, target, bodies, connections, per_second).result()


@contextmanager
def running() -> Iterator[Client]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield Client(pool)


def _post(target: Target, bodies: Sequence[bytes], connections: int, per_second: float | None) -> Posted:
    requests = [target.request(body) for body in bodies]
    latencies = [0.0] * len(requests)
    failures: list[BaseException] = []
    numbers = itertools.count()
    sockets = [socket.create_connection((target.host, target.port), timeout=60) for _ in range(connections)]
    began = time.monotonic() + 0.05

    def scheduled(number: int) -> float:
        if per_second is None:
            return time.monotonic()
        due = began + number / per_second
        time.sleep(max(0.0, due - time.monotonic()))
        return due

    def work(connection: socket.socket) -> None:
        try:
            while (number := next(numbers)) < len(requests):
                due = scheduled(number)
                connection.sendall(requests[number])
                read(connection)
                latencies[number] = time.monotonic() - due
        except BaseException as failure:  # noqa: BLE001 - raised again in the main thread
            failures.append(failure)

    time.sleep(max(0.0, began - time.monotonic()))
    _together(work, sockets)
    ended = time.monotonic()
    if failures:
        raise failures[0]
    return Posted(ended - began, latencies)


def _together(work: Callable[[socket.socket], None], sockets: Sequence[socket.socket]) -> None:
    threads = [threading.Thread(target=work, args=(connection,)) for connection in sockets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for connection in sockets:
        connection.close()


def read(connection: socket.socket) -> tuple[bytes, bytes]:
    """Read one complete response and return its head and body. Raises ConnectionError for anything but a 2xx."""
    data = connection.recv(65536)
    while (end := data.find(_END)) < 0:
        more = connection.recv(65536)
        if not more:
            raise ConnectionError(f"The server closed the connection: {data[:300]!r}")
        data += more
    length = _LENGTH.search(data, 0, end)
    if not data.startswith(b"HTTP/1.1 2") or length is None:
        raise ConnectionError(f"Unexpected response: {data[:600]!r}")
    whole = end + len(_END) + int(length[1])
    while len(data) < whole:
        data += connection.recv(min(whole - len(data), 1 << 20))
    return data[:end], data[end + len(_END) :]
