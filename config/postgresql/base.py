"""Checks a reused connection without asking the server, unless there is a reason to ask."""

from __future__ import annotations

import select
import time

import psycopg
from django.db.backends.postgresql import base

# A connection that was idle for longer is asked: a network may have lost it without a word.
ASK_AFTER_IDLE_SECONDS = 5.0


class DatabaseWrapper(base.DatabaseWrapper):
    """Django asks `SELECT 1` at the first statement of each request, which is a third of a request's round trips.

    A server that closes a connection, as at its restart, says so: then there is something to read on the socket. So an
    idle socket is proof enough, and only a connection that was not used for a while is asked.
    """

    _checked_at = 0.0

    def close_if_health_check_failed(self) -> None:
        now = time.monotonic()
        if now - self._checked_at < ASK_AFTER_IDLE_SECONDS and self._has_nothing_to_read():
            self.health_check_done = True
        self._checked_at = now
        super().close_if_health_check_failed()

    def _has_nothing_to_read(self) -> bool:
        if self.connection is None:
            return False
        poll = select.poll()
        try:
            poll.register(self.connection.fileno(), select.POLLIN | select.POLLERR | select.POLLHUP)
        except psycopg.OperationalError:  # closed on our side
            return False
        return not poll.poll(0)
