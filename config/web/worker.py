"""A gunicorn worker whose threads never wait for a client to send.

The main loop receives every request completely, with deadlines and a bound on memory, and only then gives it a thread
of its lane. A client that sends half a request therefore costs a socket and no thread.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from config.web.arrival import Arrival, BadFraming
from config.web.connection import Connection
from config.web.lanes import MAX_WAITING_SIGN_INS, THREADS, Lane, choose_lane, drop_wait
from config.web.refusal import build_problem, describe_error, render_refusal
from reviewqueue.kernel.errors import Problem

RECEIVE_BYTES = 256 * 1024
# A request may take this long, plus a second for every so many bytes that have come.
ARRIVAL_SECONDS = 10.0
MIN_BYTES_PER_SECOND = 8 * 1024
# All requests that are arriving or waiting for a thread. Past it, the one that has been arriving longest is dropped.
HELD_BYTES = 128 * 1024 * 1024
# A response that a client does not read. The system's buffers take most responses whole.
SEND_SECONDS = 20.0
# After the last response the rest of what a client sends is read, up to a bound: closing at once would reset the
# connection, and the client would see that instead of the response.
LINGER_IDLE_SECONDS = 2.0
LINGER_SECONDS = 30.0
LINGER_BYTES = 64 * 1024 * 1024
# A post that had to wait this long for its lane is not routed at once any more; it is stored, and the worker routes it.
MAX_LANE_WAIT_SECONDS = 1.0


def _yield_to_others() -> None:
    """Run this thread after all others: hashing passwords must not slow down those who are signed in."""
    with suppress(OSError):  # only Linux has priorities of threads
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


class ReceivingWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """See the module. Connections are owned by the main loop except while a thread serves their request."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: dict[Connection, None] = {}  # oldest first
        self._lingering: dict[Connection, float] = {}
        self._lanes: dict[Lane, ThreadPoolExecutor] = {}
        self._busy = dict.fromkeys(Lane, 0)
        self._held_bytes = 0
        self._next_sweep = 0.0
        self._stopping_since = 0.0

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        super().check_config(cfg, log)
        if cfg.is_ssl:
            raise RuntimeError("This worker does not speak TLS. End it in a proxy in front of the web process.")

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """Gunicorn's own pool, which is the main lane; the others are started with it."""
        main: ThreadPoolExecutor = super().get_thread_pool()
        others = {
            lane: ThreadPoolExecutor(count, lane, _yield_to_others if lane is Lane.SIGN_IN else None)
            for lane, count in THREADS.items()
        }
        self._lanes = {Lane.MAIN: main, **others}
        return main

    def run(self) -> None:
        try:
            super().run()
        finally:
            for lane in self._lanes.values():
                lane.shutdown(wait=False)

    # The life of a connection, in the main loop: accepted, arriving, queued, served, idle or lingering.

    def accept(self, listener: socket.socket) -> None:
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK, errno.EMFILE}:
                raise
            return
        self.nr_conns += 1
        self._begin_arrival(Connection(self.cfg, sock, client, listener.getsockname()))

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """The next request on an idle connection."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._begin_arrival(conn)

    def _begin_arrival(self, conn: Connection, received: bytes = b"") -> None:
        conn.begin_arrival()
        self._arriving[conn] = None
        if not (received and self._take_bytes(conn, received)):
            self._receive(conn)

    def _receive(self, conn: Connection, _client: object = None) -> None:
        try:
            received = conn.sock.recv(RECEIVE_BYTES)
        except BlockingIOError:
            self._watch(conn, self._receive)
            return
        except OSError:
            received = b""
        if not received:
            self._drop(conn)
        elif not self._take_bytes(conn, received):
            self._watch(conn, self._receive)

    def _take_bytes(self, conn: Connection, received: bytes) -> bool:
        """Add received bytes to the request; whether that ends its arrival, one way or another."""
        try:
            conn.arrival.feed(received)
        except BadFraming as error:
            self._refuse(conn, build_problem(error.status, str(error)))
            return True
        self._hold(conn, conn.arrival.held_bytes)
        if conn not in self._arriving:
            return True
        if conn.arrival.ready:
            self._enqueue(conn)
            return True
        if conn.arrival.take_continue():
            self._send_now(conn, b"HTTP/1.1 100 Continue\r\n\r\n")
        return False

    def _hold(self, conn: Connection, held_bytes: int) -> None:
        """Count a connection's memory; past the bound, drop the request that has been arriving longest."""
        self._held_bytes += held_bytes - conn.held_bytes
        conn.held_bytes = held_bytes
        if self._held_bytes > HELD_BYTES and held_bytes:
            oldest = next((other for other in self._arriving if other.held_bytes > RECEIVE_BYTES), conn)
            self._refuse(oldest, build_problem(503, "The server is receiving too much at once. Try again shortly."))

    def _enqueue(self, conn: Connection) -> None:
        self._arriving.pop(conn, None)
        self._unwatch(conn)
        conn.queued = time.monotonic()
        conn.lane = choose_lane(conn.arrival.target, conn.arrival.head)
        if conn.lane is Lane.SIGN_IN and self._busy[Lane.SIGN_IN] >= MAX_WAITING_SIGN_INS:
            self._refuse(conn, build_problem(503, "Too many people are signing in. Try again in a few seconds."))
            return
        may_wait = True
        if conn.lane is Lane.FEED and self._busy[Lane.FEED] >= THREADS[Lane.FEED]:
            conn.lane, may_wait = Lane.MAIN, False
        self._busy[conn.lane] += 1
        served = self._lanes[conn.lane].submit(self._serve, conn, may_wait)
        served.add_done_callback(lambda future: self.method_queue.defer(self.finish_request, conn, future))

    def finish_request(self, conn: Connection, served: Future[bool]) -> None:
        self._busy[conn.lane] -= 1
        self._hold(conn, 0)
        if served.cancelled() or served.exception() or not served.result():
            self._linger(conn)
            return
        conn.sock.setblocking(False)
        if rest := conn.arrival.rest:
            self._begin_arrival(conn, rest)
            return
        conn.arrival = Arrival(max_body_bytes=0)
        conn.set_timeout()
        if not self.alive:
            conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
        self.keepalived_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_client_socket_readable, conn))

    def _linger(self, conn: Connection) -> None:
        """End our half of the connection, and read on until the client ends its half."""
        self._arriving.pop(conn, None)
        self._hold(conn, 0)
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(conn)
            return
        conn.began = time.monotonic()
        self._lingering[conn] = conn.began + LINGER_IDLE_SECONDS
        self._unwatch(conn)
        self._watch(conn, self._drain)

    def _drain(self, conn: Connection, _client: object = None) -> None:
        try:
            received = len(conn.sock.recv(RECEIVE_BYTES))
        except BlockingIOError:
            return
        except OSError:
            received = 0
        conn.lingered_bytes += received
        now = time.monotonic()
        if not received or conn.lingered_bytes > LINGER_BYTES or now > conn.began + LINGER_SECONDS:
            self._drop(conn)
        else:
            self._lingering[conn] = now + LINGER_IDLE_SECONDS

    def _refuse(self, conn: Connection, problem: Problem) -> None:
        self._send_now(conn, render_refusal(problem, conn.arrival.target, conn.arrival.head))
        self._linger(conn)

    def _send_now(self, conn: Connection, data: bytes) -> None:
        """Send a few bytes from the main loop, which never waits: a client that reads nothing gets nothing."""
        try:
            conn.sock.send(data)
        except OSError:
            self.log.debug("A client does not read its response.")

    def _drop(self, conn: Connection) -> None:
        self._arriving.pop(conn, None)
        self._lingering.pop(conn, None)
        self._unwatch(conn)
        self._hold(conn, 0)
        self.nr_conns -= 1
        conn.close()

    def _watch(self, conn: Connection, callback: Any) -> None:
        if not conn.watched:
            conn.watched = True
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(callback, conn))

    def _unwatch(self, conn: Connection) -> None:
        if conn.watched:
            conn.watched = False
            self.poller.unregister(conn.sock)

    # Deadlines: gunicorn's loop calls this after every round, also while it stops.

    def murder_pending(self) -> None:
        now = time.monotonic()
        if self.nr_conns >= self.worker_connections:
            self._make_room()
        if now < self._next_sweep:
            return
        self._next_sweep = now + 0.5
        if not self.alive and not self._stopping_since:
            self._stopping_since = now
        for conn in list(self._find_late(now)):
            if conn.arrival.started:
                self._refuse(conn, build_problem(408, "The request did not arrive in time. Send it again."))
            else:
                self._drop(conn)
        for conn in [conn for conn, until in self._lingering.items() if until < now]:
            self._drop(conn)

    def _find_late(self, now: float) -> Iterator[Connection]:
        stopped = bool(self._stopping_since) and now > self._stopping_since + STOP_KEEPALIVE_LINGER
        for conn in self._arriving:
            received = conn.arrival.held_bytes
            if stopped or now > conn.began + ARRIVAL_SECONDS + received / MIN_BYTES_PER_SECOND:
                yield conn

    def _make_room(self) -> None:
        """With every place taken, close the connection that has waited longest without sending a whole request."""
        oldest = next(iter(self._lingering), None) or next(iter(self._arriving), None)
        if oldest is not None:
            self._drop(oldest)
        elif self.keepalived_conns:
            self.murder_keepalived(force=True)

    # In a thread.

    def _serve(self, conn: Connection, may_wait: bool) -> bool:
        """Whether the connection can be used again."""
        try:
            conn.sock.settimeout(SEND_SECONDS)
            request = conn.parse_request()
            if not may_wait:
                request.query = drop_wait(request.query)
            if conn.lane is Lane.ROUTE and time.monotonic() > conn.queued + MAX_LANE_WAIT_SECONDS:
                request.headers = [header for header in request.headers if header[0] != "PREFER"]
            return bool(self.handle_request(request, conn))
        except BadFraming as error:
            self._answer(conn, build_problem(error.status, str(error)))
        except StopIteration:
            self.log.debug("The response was cut off.")
        except OSError as error:
            problem = describe_error(error)  # NoMoreData is one
            if problem is not None:
                self._answer(conn, problem)
        except Exception as error:
            problem = describe_error(error)
            if problem is None:
                self.log.exception("Error handling request %r", conn.arrival.target)
            self._answer(conn, problem or build_problem(500, "Something went wrong on our side. It has been recorded."))
        return False

    def _answer(self, conn: Connection, problem: Problem) -> None:
        try:
            conn.sock.sendall(render_refusal(problem, conn.arrival.target, conn.arrival.head))
        except OSError:
            self.log.debug("A client does not read its response.")
