"""The web server's loop, with clients that take too long, hold too much, or are too many."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, cast

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger

from config.web import worker as web_worker
from config.web.connection import Connection
from config.web.lanes import MAX_WAITING_SIGN_INS, THREADS, Lane, drop_wait
from config.web.worker import ReceivingWorker

HEAD = b"POST /api/v1/x HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n"


class Loop:
    """A worker whose rounds the test makes, and its clients."""

    def __init__(self, held: ExitStack) -> None:
        config = Config()
        config.set("worker_connections", 3)
        self._held = held
        self.worker: Any = ReceivingWorker(0, 0, [], None, 30, config, Logger(config))
        self.worker.poller = held.enter_context(selectors.DefaultSelector())
        self.served: list[tuple[Lane, bool]] = []
        for lane in Lane:
            self.worker._lanes[lane] = cast("Any", self)
        held.callback(self.worker.tmp.close)

    def connect(self, sent: bytes) -> tuple[Connection, socket.socket]:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            self._held.enter_context(end)
        theirs.settimeout(5)
        theirs.sendall(sent)
        conn = Connection(self.worker.cfg, ours, ("127.0.0.1", 1), ("127.0.0.1", 2))
        self.worker.nr_conns += 1
        self.worker._begin_arrival(conn)
        return conn, theirs

    def run_round(self) -> None:
        self.worker.wait_for_and_dispatch_events(timeout=0)
        self.worker._next_sweep = 0.0
        self.worker.murder_pending()

    def submit(self, _serve: Any, conn: Connection, may_wait: bool) -> Any:
        """Take the place of a pool of threads, all of them busy."""
        self.served.append((conn.lane, may_wait))
        return self

    def add_done_callback(self, callback: Any) -> None:
        pass


@pytest.fixture
def loop() -> Iterator[Loop]:
    with ExitStack() as held:
        yield Loop(held)


def test_a_request_that_takes_too_long_is_refused_and_its_place_is_free_again(loop: Loop) -> None:
    slow, client = loop.connect(HEAD + b"[")
    silent, other = loop.connect(b"")
    loop.run_round()
    assert loop.worker.nr_conns == 2
    for conn in (slow, silent):
        conn.began -= web_worker.ARRIVAL_SECONDS + 1
    loop.run_round()

    assert client.recv(5_000).startswith(b"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/problem+json")
    assert other.recv(100) == b""
    client.close()
    loop.run_round()
    assert (loop.worker.nr_conns, loop.worker._held_bytes) == (0, 0)


def test_a_request_that_keeps_coming_may_take_longer(loop: Loop) -> None:
    conn, _ = loop.connect(HEAD + b" " * 100_000)
    loop.run_round()
    conn.began -= web_worker.ARRIVAL_SECONDS + 1
    loop.run_round()

    assert conn in loop.worker._arriving


def test_past_the_bound_on_memory_the_oldest_request_is_dropped(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_worker, "HELD_BYTES", 500_000)
    monkeypatch.setattr(web_worker, "RECEIVE_BYTES", 100_000)
    (oldest, client), (newer, other) = loop.connect(HEAD), loop.connect(HEAD)
    for _ in range(3):
        for end in (client, other):
            end.sendall(b" " * 95_000)
            loop.run_round()

    assert client.recv(5_000).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert list(loop.worker._arriving) == [newer]
    assert loop.worker._held_bytes == newer.held_bytes < 300_000
    assert oldest.held_bytes == 0


def test_with_every_place_taken_the_one_that_waited_longest_makes_room(loop: Loop) -> None:
    clients = [loop.connect(b"GET / HT")[1] for _ in range(3)]
    loop.run_round()

    assert clients[0].recv(100) == b""
    assert loop.worker.nr_conns == 2


def test_requests_that_find_their_lane_full_do_not_take_anothers_place(loop: Loop) -> None:
    wait = b"GET /api/v1/streams/s/decisions?wait=20 HTTP/1.1\r\n\r\n"
    for _ in range(THREADS[Lane.FEED] + 1):
        loop.connect(wait)
    assert loop.served == [(Lane.FEED, True), (Lane.FEED, True), (Lane.MAIN, False)]
    assert drop_wait("after=x&wait=20&limit=5") == "after=x&limit=5"


@pytest.mark.parametrize(
    ("accept", "content_type", "start"),
    [("text/html,*/*;q=0.8", "text/html", b"<!doctype html>"), ("*/*", "text/plain", b"Too many people")],
)
def test_too_many_people_signing_in_get_a_page(loop: Loop, accept: str, content_type: str, start: bytes) -> None:
    loop.worker._busy[Lane.SIGN_IN] = MAX_WAITING_SIGN_INS
    sent = f"POST /sign-in/ HTTP/1.1\r\nAccept: {accept}\r\nContent-Length: 0\r\n\r\n"
    _, person = loop.connect(sent.encode())

    head, _, body = person.recv(20_000).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: {content_type}".encode())
    assert b"Retry-After: " in head
    assert body.startswith(start)
    assert b"Too many people are signing in" in body
