"""A worker's connection to the broker that is tried again at a steady pace."""

from __future__ import annotations

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

# Celery itself waits two seconds longer each time, up to half a minute: after an outage of a minute, it would be up to
# 14 seconds until a worker sees that the broker is back.
RECONNECT_SECONDS = 2.0


class SteadyConsumer(Consumer):
    """Tries to connect every `RECONNECT_SECONDS`, however long the broker has been away."""

    def ensure_connected(self, conn: Any) -> Any:
        conn.ensure_connection = partial(conn.ensure_connection, interval_start=RECONNECT_SECONDS, interval_step=0)
        return super().ensure_connected(conn)
