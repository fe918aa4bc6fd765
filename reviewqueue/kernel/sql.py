"""Run hand-written SQL that the ORM cannot express in one statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper

type SqlRow = dict[str, Any]


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


def run_statement(statement: str, parameters: Mapping[str, Any], *, prepared: bool = False) -> int:
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
