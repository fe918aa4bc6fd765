"""The time: the database's clock, which every process and every deadline shares."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.db import connection
from django.utils import timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def current_time(now: datetime | None = None) -> datetime:
    """`now` if one was passed (tests and the demo do), else the database's wall clock at this statement."""
    if now is not None:
        return now
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def team_date(moment: datetime) -> date:
    """The day of a moment in the team's zone, whoever reads and wherever they are."""
    return timezone.localdate(moment, timezone.get_default_timezone())


def to_milliseconds(moment: datetime) -> int:
    """A moment as a page counts it: whole, so that the same moment is the same number."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def from_milliseconds(milliseconds: int) -> datetime:
    """The moment of such a number."""
    return _EPOCH + timedelta(milliseconds=milliseconds)
