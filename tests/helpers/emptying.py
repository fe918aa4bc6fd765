"""Emptying the database after a test that committed: only the tables that it wrote to.

Django's `flush` truncates every table and then makes all content types and permissions anew, which takes longer than
most of the tests before it.
"""

from __future__ import annotations

from functools import cache

from django.db import connection
from django.test import TransactionTestCase

# Written by the migrations alone, and the same for every test.
KEPT_TABLES = frozenset({"django_migrations", "django_content_type", "auth_permission"})


def empty_written_tables(_case: TransactionTestCase) -> None:
    """Truncate what has rows, and what refers to it. Sequences go on, as with `flush`."""
    with connection.cursor() as cursor:
        cursor.execute(_find_written_sql())
        if written := [row[0] for row in cursor.fetchall()]:
            cursor.execute(f"TRUNCATE {', '.join(map(connection.ops.quote_name, written))} CASCADE")


@cache
def _find_written_sql() -> str:
    with connection.cursor() as cursor:
        tables = sorted(set(connection.introspection.table_names(cursor)) - KEPT_TABLES)
    quote = connection.ops.quote_name
    return " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {quote(name)})" for name in tables)
