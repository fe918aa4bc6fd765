"""Output ids: milliseconds since the epoch, then a 20-bit sequence number, so a time window is a range of ids."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.utils import timezone

from reviewqueue.kernel import sql

SEQUENCE_BITS = 20
# How much earlier and later than it occurred an output may be received to count on the day on which it occurred.
EARLIEST_RECEIPT_DAYS = 1
LATEST_RECEIPT_DAYS = 31


class DayBasis(StrEnum):
    """Which of an output's moments a day is about: its receipt or `occurred_at` (its receipt where that is missing)."""

    RECEIVED = "received"
    OCCURRED = "occurred"


# The same in SQL, for a timestamp expression.
OUTPUT_ID_SQL = f"((extract(epoch FROM {{at}}) * 1000)::bigint << {SEQUENCE_BITS} | nextval('escalation_output_seq'))"


def generate_output_id() -> int:
    """A new id for something received now."""
    return int(sql.fetch_value(f"SELECT {OUTPUT_ID_SQL.format(at='clock_timestamp()')}"))


def first_id_at(moment: datetime) -> int:
    """The smallest possible id of an output received at this moment."""
    return int(moment.timestamp() * 1000) << SEQUENCE_BITS


def time_of_id(output_id: int) -> datetime:
    """When the output with this id was received, to the millisecond."""
    return datetime.fromtimestamp((output_id >> SEQUENCE_BITS) / 1000, tz=UTC)


def id_range_of_day(day: date) -> tuple[int, int]:
    """The id range [first, last) of one day in the team's time zone."""
    zone = timezone.get_default_timezone()
    assert isinstance(zone, ZoneInfo)
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    following = day + timedelta(days=1)
    end = datetime(following.year, following.month, following.day, tzinfo=zone)
    return first_id_at(start), first_id_at(end)


def id_range_of_days(since: date, until: date, *, by: DayBasis = DayBasis.RECEIVED) -> tuple[int, int]:
    """The range [first, last) of ids in which all outputs of these days lie, both days included.

    by: for OCCURRED the range is wider: outputs may be received from one day before to 31 days after they occurred.
    """
    if by is DayBasis.OCCURRED:
        since -= timedelta(days=EARLIEST_RECEIPT_DAYS)
        until += timedelta(days=LATEST_RECEIPT_DAYS)
    return id_range_of_day(since)[0], id_range_of_day(until)[1]


def time_range_of_days(since: date, until: date) -> tuple[datetime, datetime]:
    """The time range [first, last) of these days in the team's time zone, both days included."""
    return time_of_id(id_range_of_day(since)[0]), time_of_id(id_range_of_day(until)[1])
