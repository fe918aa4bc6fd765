"""The raw limits of PostgreSQL on this machine, without the product."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
from django.db import connection

ROWS_PER_COPY = 1000

_COLUMNS = (
    "id", "stream_id", "external_id", "model", "model_version", "predicted", "confidence", "value", "segment",
    '"group"', "due_at", "occurred_at", "shadow", "schema_number", "state", "size", "attempts", "received_at",
    "invalid_prediction", "digest", "body",
)  # fmt: skip
_COPY = f"COPY bare_copy ({', '.join(_COLUMNS)}) FROM STDIN"

_ids = itertools.count(1)


@contextmanager
def connected() -> Iterator[psycopg.Connection]:
    """A connection to the same database without Django."""
    settings = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    with psycopg.connect(**{name: settings[name] for name in names if name in settings}, autocommit=True) as bare:
        yield bare


def make_tables() -> None:
    """Create the plain tables, including the bare view's."""
    with connected() as bare:
        bare.execute("CREATE TABLE bare_copy (LIKE escalation_output, digest bytea, body json, PRIMARY KEY (id))")
        bare.execute("CREATE TABLE bare_output (id bigserial PRIMARY KEY, external_id text, body jsonb)")


def copy_rate(encoded: Sequence[bytes]) -> float:
    """Rows/s: the same outputs, decoded before the clock starts, into one plain table by COPY, 1,000 a commit."""
    rows = [_row(msgspec.json.decode(element), len(element)) for element in encoded]
    with connected() as bare:
        began = time.monotonic()
        for first in range(0, len(rows), ROWS_PER_COPY):
            with bare.transaction(), bare.cursor() as cursor, cursor.copy(_COPY) as copy:
                for row in rows[first : first + ROWS_PER_COPY]:
                    copy.write_row(row)
        return len(rows) / (time.monotonic() - began)


def commit_rate(count: int) -> float:
    """Single-row INSERTs per second, each a commit, on one connection."""
    with connected() as bare:
        bare.execute("CREATE TABLE IF NOT EXISTS bare_commit (id bigserial PRIMARY KEY, at timestamptz)")
        began = time.monotonic()
        for _ in range(count):
            bare.execute("INSERT INTO bare_commit (at) VALUES (clock_timestamp())")
        return count / (time.monotonic() - began)


def _row(element: dict[str, Any], size: int) -> tuple[Any, ...]:
    """The values of `_COLUMNS`, as the product would store them."""
    body = {name: element[name] for name in ("input", "scores", "prediction")}
    segment = msgspec.json.encode(element["segment"]).decode()
    model = (element["model"], element["model_version"], element["prediction"], element["confidence"])
    optional = (None, segment, "", None, None, False)
    stored = (1, "received", size, 0, datetime.now(UTC), False, b"0" * 32)
    return (next(_ids), 1, element["id"], *model, *optional, *stored, msgspec.json.encode(body).decode())
