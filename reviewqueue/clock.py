"""The time: the database's clock, which every process and every deadline shares."""

from __future__ import annotations

from datetime import datetime

from django.db import connection


def current(now: datetime | None = None) -> datetime:
    """`now` if one was passed (tests and the demo do), else the database's wall clock at this statement."""
    if now is not None:
        return now
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
