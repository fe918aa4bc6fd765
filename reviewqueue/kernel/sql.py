"""The one runner of raw SQL: statements that the ORM cannot express. Each is a constant of a `queries` module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import Error, InterfaceError, OperationalError, connection
from django.db.backends.utils import CursorWrapper

# SQLSTATE classes of trouble with the server rather than with the statement: connection, resources, operator, system.
_OUTAGE_CLASSES = ("08", "53", "57", "58")
_READ_ONLY = "25006"  # a standby, or a service that protects a full disk
_DISK_FULL = "53100"
_TIMEOUTS = ("57014", "55P03")  # of a statement, and of a lock

type SqlRow = dict[str, Any]
type SqlParameters = Mapping[str, Any] | Sequence[Any]

# The wall clock of the database at this statement.
CLOCK_TIME = "SELECT clock_timestamp()"


def fetch_rows(statement: str, parameters: Mapping[str, Any], *, prepared: bool = False) -> list[SqlRow]:
    """The rows the statement returns, as dicts by column name; JSON columns come as text.

    `prepared` keeps the plan on the connection. Use it for statements of every item and every posted output: without
    it, planning takes three quarters of their time.
    """
    with _prepared_cursor() if prepared else connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def fetch_row(statement: str, parameters: Mapping[str, Any], *, prepared: bool = False) -> SqlRow | None:
    """The first row the statement returns, or None."""
    return next(iter(fetch_rows(statement, parameters, prepared=prepared)), None)


def fetch_tuples(statement: str, parameters: SqlParameters = (), *, prepared: bool = False) -> list[tuple[Any, ...]]:
    """The rows the statement returns, as tuples in column order; JSON columns come as text. `prepared` as above."""
    with _prepared_cursor() if prepared else connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def fetch_tuple(statement: str, parameters: SqlParameters = (), *, prepared: bool = False) -> tuple[Any, ...] | None:
    """The first row as a tuple, or None. `prepared` as above."""
    with _prepared_cursor() if prepared else connection.cursor() as cursor:
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


def is_outage(error: BaseException) -> bool:
    """Whether the database is down, full, overloaded, read-only or blocked: nothing is wrong with the data."""
    if isinstance(error, OperationalError | InterfaceError):
        return True
    return isinstance(error, Error) and (
        _sqlstate(error).startswith(_OUTAGE_CLASSES) or _sqlstate(error) == _READ_ONLY or _is_connection_lost()
    )


def is_disk_full(error: BaseException) -> bool:
    return _sqlstate(error) == _DISK_FULL


def is_timeout(error: BaseException) -> bool:
    """Whether a statement ran or waited for longer than its limit."""
    return _sqlstate(error) in _TIMEOUTS


def _sqlstate(error: BaseException) -> str:
    return getattr(error.__cause__, "sqlstate", None) or ""


def _is_connection_lost() -> bool:
    """Statements after the one that lost the connection fail in various ways."""
    raw = connection.connection
    return raw is not None and bool(raw.closed)


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
