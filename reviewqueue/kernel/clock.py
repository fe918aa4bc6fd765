"""The current time, from the database clock that all processes and deadlines share."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.utils import timezone

from reviewqueue.kernel import sql

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def current_time(now: datetime | None = None) -> datetime:
    """Return `now` if given (tests and the demo pass one), otherwise the database's wall clock at this statement."""
    if now is not None:
        return now
    moment: datetime = sql.fetch_value(sql.CLOCK_TIME)
    return moment


def team_date(moment: datetime) -> date:
    """The calendar day of `moment` in the team's time zone, regardless of the reader's."""
    return timezone.localdate(moment, timezone.get_default_timezone())


def to_milliseconds(moment: datetime) -> int:
    """Whole milliseconds since the Unix epoch, as pages use them; integers, so equal moments give equal numbers."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def from_milliseconds(milliseconds: int) -> datetime:
    """The moment that `to_milliseconds` turned into this number."""
    return _EPOCH + timedelta(milliseconds=milliseconds)
