"""The one runner of raw SQL: statements that the ORM cannot express. Each is a constant of a `queries` module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper

type SqlRow = dict[str, Any]
type SqlParameters = Mapping[str, Any] | Sequence[Any]

# The wall clock of the database at this statement.
CLOCK_TIME = "SELECT clock_timestamp()"


def fetch_rows(statement: str, parameters: Mapping[str, Any], *, prepared: bool = False) -> list[SqlRow]:
    """The rows the statement returns, as dicts by column name; JSON columns come as text.

    `prepared` keeps the plan on the connection. Use it for statements that a reviewer waits for on every item:
    without it, planning takes three quarters of their time.
    """
    with _prepared_cursor() if prepared else connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def fetch_row(statement: str, parameters: Mapping[str, Any], *, prepared: bool = False) -> SqlRow | None:
    """The first row the statement returns, or None."""
    return next(iter(fetch_rows(statement, parameters, prepared=prepared)), None)


def fetch_tuples(statement: str, parameters: SqlParameters = ()) -> list[tuple[Any, ...]]:
    """The rows the statement returns, as tuples in column order; JSON columns come as text."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def fetch_tuple(statement: str, parameters: SqlParameters = ()) -> tuple[Any, ...] | None:
    """The first row as a tuple, or None."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def fetch_value(statement: str, parameters: SqlParameters = ()) -> Any:
    """The first column of the first row; None if there is no row."""
    row = fetch_tuple(statement, parameters)
    return row[0] if row else None


def stream_tuples(statement: str, parameters: SqlParameters, *, size: int) -> Iterator[list[tuple[Any, ...]]]:
    """Yield `size` rows at a time from a server-side cursor, for results too large for memory. Needs a transaction."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, parameters)
        while rows := cursor.fetchmany(size):
            yield rows


def copy_rows(statement: str, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows by COPY ... FROM STDIN, which takes a third of the time of an INSERT for thousands of rows."""
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def run_statement(statement: str, parameters: SqlParameters = (), *, prepared: bool = False) -> int:
    """Execute a statement that returns no rows; returns the number of rows it affected."""
    with _prepared_cursor() if prepared else connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


@contextmanager
def _prepared_cursor() -> Iterator[CursorWrapper]:
    """A Django cursor around a psycopg cursor that prepares the statements it executes.

    Django disables prepared statements for the whole connection, because its own statements are rarely the same
    twice, and because transaction poolers switch sessions between transactions. With such a pooler, Django requires
    DISABLE_SERVER_SIDE_CURSORS, and then nothing is prepared here either.
    """
    connection.ensure_connection()
    raw = connection.connection
    pooled = bool(connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"))
    before = raw.prepare_threshold
    raw.prepare_threshold = None if pooled else 0
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    try:
        with psycopg.Cursor(raw) as cursor:
            yield wrap(cursor)  # type: ignore[arg-type]  # any psycopg cursor works
    finally:
        raw.prepare_threshold = before
