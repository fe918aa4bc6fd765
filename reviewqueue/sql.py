"""Statements that the ORM cannot say in one go, run as they stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection

type Row = dict[str, Any]


def rows(statement: str, parameters: Mapping[str, Any]) -> list[Row]:
    """What the statement returns, each row by the names of its columns; JSON columns come as text."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def row(statement: str, parameters: Mapping[str, Any]) -> Row | None:
    """The first row, or None."""
    return next(iter(rows(statement, parameters)), None)


def run(statement: str, parameters: Mapping[str, Any]) -> int:
    """Execute a statement that returns nothing; the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)
