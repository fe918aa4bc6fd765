"""Statements that the ORM cannot say in one go, run as they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper

type SqlRow = dict[str, Any]


def fetch_rows(statement: str, parameters: Mapping[str, Any], *, prepared: bool = False) -> list[SqlRow]:
    """What the statement returns, each row by the names of its columns; JSON columns come as text.

    `prepared` keeps its plan on the connection. What a person waits for at every item spends three quarters of its
    time on being planned otherwise.
    """
    with _prepared_cursor() if prepared else connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def fetch_row(statement: str, parameters: Mapping[str, Any], *, prepared: bool = False) -> SqlRow | None:
    """The first row, or None."""
    return next(iter(fetch_rows(statement, parameters, prepared=prepared)), None)


def run_statement(statement: str, parameters: Mapping[str, Any], *, prepared: bool = False) -> int:
    """Execute a statement that returns nothing; the number of rows it touched."""
    with _prepared_cursor() if prepared else connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


@contextmanager
def _prepared_cursor() -> Iterator[CursorWrapper]:
    """A cursor of Django's around one of psycopg's that prepares what it executes.

    Django switches preparing off for the whole connection, because its own statements are rarely the same twice,
    and because of poolers that hand every transaction another session. Where such a pooler is used, Django wants
    DISABLE_SERVER_SIDE_CURSORS to be set, and then nothing is prepared here either.
    """
    connection.ensure_connection()
    raw = connection.connection
    pooled = bool(connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"))
    before = raw.prepare_threshold
    raw.prepare_threshold = None if pooled else 0
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    try:
        with psycopg.Cursor(raw) as cursor:
            yield wrap(cursor)  # type: ignore[arg-type]  # any cursor of psycopg's will do
    finally:
        raw.prepare_threshold = before
