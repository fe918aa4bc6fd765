"""What PostgreSQL does on this machine when nothing of the product is in the way."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg
from django.db import connection

ROWS_PER_COPY = 1000

_COPIED = """
    CREATE TABLE bare_copy (
        id bigserial PRIMARY KEY, stream_id bigint, external_id varchar(200), digest bytea, model varchar(200),
        model_version varchar(200), predicted varchar(200), confidence float8, segment jsonb, schema_number int,
        state varchar(10), size int, received_at timestamptz, body jsonb
    )
"""
_COPY = """
    COPY bare_copy (stream_id, external_id, digest, model, model_version, predicted, confidence, segment, schema_number,
        state, size, received_at, body) FROM STDIN
"""


@contextmanager
def connected() -> Iterator[psycopg.Connection]:
    """A connection without Django, to the same database."""
    settings = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    with psycopg.connect(**{name: settings[name] for name in names if name in settings}, autocommit=True) as bare:
        yield bare


def make_tables() -> None:
    """The plain tables, that of the bare view too."""
    with connected() as bare:
        bare.execute(_COPIED)
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
    body = {name: element[name] for name in ("input", "scores", "prediction")}
    return (
        1,
        element["id"],
        b"0" * 32,
        element["model"],
        element["model_version"],
        element["prediction"],
        element["confidence"],
        msgspec.json.encode(element["segment"]).decode(),
        1,
        "received",
        size,
        "2026-11-23T12:00:00Z",
        msgspec.json.encode(body).decode(),
    )
