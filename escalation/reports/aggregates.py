"""Loads the counts behind reports: one pass over the narrow rows of a window.

Throughput, errors and costs are sums over these tallies, so figures and breakdowns add up to the same total.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from escalation.models import output_id
from escalation.models.output_id import DayBasis
from escalation.reports import queries
from escalation.reports.tally import AuditCounts, AuditedSets, DecisionTimes, FieldTally, LabelTally, Tally
from reviewqueue.kernel import sql

# The time that determines an output's day, and the condition that it lies within the window.
_MOMENTS = {
    DayBasis.RECEIVED: ("o.received_at", ""),
    DayBasis.OCCURRED: (
        "COALESCE(o.occurred_at, o.received_at)",
        "AND COALESCE(o.occurred_at, o.received_at) >= %(from)s AND COALESCE(o.occurred_at, o.received_at) < %(to)s",
    ),
}

_INDEXES = {field.name: index for index, field in enumerate(dataclasses.fields(Tally))}


def load_tallies(
    *,
    stream_id: int,
    since: date,
    until: date,
    keys: Sequence[str],
    by: DayBasis = DayBasis.RECEIVED,
    by_part: bool = False,
) -> list[Tally]:
    """The tallies of outputs received or occurred on these days, both included; `keys`: the declared segment keys.

    by_part: tell errors in different labels or fields apart, which costs may do.
    By `OCCURRED`, outputs count if they were received from one day before to 31 days after these days.
    """
    moment, within = _MOMENTS[by]
    segment = ", ".join(f"o.segment ->> %(key{index})s" for index in range(len(keys)))
    parameters = {f"key{index}": key for index, key in enumerate(keys)}
    with transaction.atomic():
        sql.run_statement(queries.PREFER_HASHING)
        rows = sql.fetch_tuples(
            queries.TALLIES.format(segment=f"ARRAY[{segment}]::text[]", moment=moment, within=within),
            {"stream": stream_id, "by_part": by_part, **_window_parameters(since, until, by=by), **parameters},
        )
        return [_tally_from_row(list(row)) for row in rows]


def load_field_tallies(*, stream_id: int, since: date, until: date, by: DayBasis) -> list[FieldTally]:
    """The tallies of the fields of outputs on these days, both included, which count as in `load_tallies`."""
    _, within = _MOMENTS[by]
    rows = sql.fetch_tuples(
        queries.FIELD_TALLIES.format(within=within), {"stream": stream_id, **_window_parameters(since, until, by=by)}
    )
    return [
        FieldTally(field, received, automated, drawn, AuditCounts(rate, judged, wrong, withdrawn))
        for field, rate, received, automated, drawn, judged, wrong, withdrawn in rows
    ]


def load_label_tallies(
    *, stream_id: int, since: date, until: date, by: DayBasis
) -> tuple[list[AuditedSets], list[LabelTally]]:
    """The audits of sets of labels on these days, both included, which count as in `load_tallies`; and their labels."""
    _, within = _MOMENTS[by]
    parameters = {"stream": stream_id, **_window_parameters(since, until, by=by)}
    drawn = sql.fetch_tuples(queries.AUDITED_SETS.format(within=within), parameters)
    found = sql.fetch_tuples(queries.LABEL_TALLIES.format(within=within), parameters)
    return [AuditedSets(*row) for row in drawn], [LabelTally(*row) for row in found]


def load_audit_counts(*, stream_ids: Iterable[int], since: date, until: date) -> dict[int, list[AuditCounts]]:
    """The answered audits of several streams, by stream id, for pages that show only error rates."""
    found: dict[int, list[AuditCounts]] = {stream_id: [] for stream_id in stream_ids}
    for stream_id, pi, judged, wrong, withdrawn in sql.fetch_tuples(
        queries.AUDIT_COUNTS, {"streams": list(found), **_window_parameters(since, until)}
    ):
        found[stream_id].append(AuditCounts(pi, judged, wrong, withdrawn))
    return found


def count_settled_per_day(*, stream_id: int, since: date, until: date) -> dict[date, int]:
    """How many outputs people decided on each day, whenever they were received."""
    return dict(sql.fetch_tuples(queries.SETTLED_PER_DAY, {"stream": stream_id, **_window_parameters(since, until)}))


def measure_decision_times(*, stream_id: int, since: date, until: date) -> DecisionTimes:
    """How long outputs that people decided on these days had waited.

    Only outputs that waited for their decision: audits of automated outputs keep nobody waiting, and neither do
    reopened decisions.
    """
    decided, percentiles = sql.fetch_tuple(
        queries.DECISION_TIMES, {"stream": stream_id, **_window_parameters(since, until)}
    ) or (0, None)
    median, p90, p95 = percentiles or (None, None, None)
    return DecisionTimes(decided, median, p90, p95)


def _tally_from_row(values: list[Any]) -> Tally:
    parts = values[_INDEXES["wrong_parts"]]
    values.insert(_INDEXES["invented"], [part[1:] for part in parts if part[0] == "+"])
    values[_INDEXES["wrong_parts"]] = [part[1:] for part in parts]
    for name in ("segment", "wrong_parts", "invented", "wrong_audited"):
        values[_INDEXES[name]] = tuple(values[_INDEXES[name]])
    return Tally(*values)


def _window_parameters(since: date, until: date, *, by: DayBasis = DayBasis.RECEIVED) -> dict[str, Any]:
    first, last = output_id.id_range_of_days(since, until, by=by)
    begin, end = output_id.time_range_of_days(since, until)
    return {
        "first": first,
        "last": last,
        "from": begin,
        "to": end,
        "zone": timezone.get_default_timezone_name(),
    }
