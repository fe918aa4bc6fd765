"""Loads the counts behind reports: one pass over the narrow rows of a window.

Every figure of a report is a sum over these tallies, so figures and breakdowns add up to the same total.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from escalation.models import output_id
from escalation.models.output_id import DayBasis
from escalation.reports.tally import AuditCounts, DecisionTimes, Tally
from escalation.routing import audits
from reviewqueue.kernel import sql

# Many rows make few groups, which the planner cannot know: it would sort all rows on disk, at half the speed.
_PREFER_HASHING = "SELECT set_config('work_mem', '64MB', true), set_config('enable_sort', 'off', true)"
_TALLIES = f"""
    SELECT ({{moment}} AT TIME ZONE %(zone)s)::date, o.model, o.model_version, o.predicted, {{segment}}, o.shadow,
           r.output_id IS NOT NULL, r.policy_id, COALESCE(r.reason, ''), COALESCE(r.eligible, false),
           COALESCE(r.released, false), COALESCE(r.audit, ''), COALESCE(r.pi, 1), e.output_id IS NOT NULL, e.wrong,
           CASE WHEN e.wrong THEN e.settled ELSE '' END,
           COALESCE({audits.IS_DRAWN_AUTOMATED_AUDIT}, false), COALESCE({audits.IS_AUTOMATED_AUDIT}, false),
           count(*), COALESCE(sum(e.reviews), 0)::bigint,
           COALESCE(sum(GREATEST(o.value, 0)), 0)
    FROM escalation_output o
    LEFT JOIN escalation_route r ON r.output_id = o.id
    LEFT JOIN escalation_outcome e ON e.output_id = o.id
    WHERE o.stream_id = %(stream)s AND o.id >= %(first)s AND o.id < %(last)s {{within}}
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18
"""


# The time that determines an output's day, and the condition that it lies within the window.
_MOMENTS = {
    DayBasis.RECEIVED: ("o.received_at", ""),
    DayBasis.OCCURRED: (
        "COALESCE(o.occurred_at, o.received_at)",
        "AND COALESCE(o.occurred_at, o.received_at) >= %(from)s AND COALESCE(o.occurred_at, o.received_at) < %(to)s",
    ),
}


def load_tallies(
    *, stream_id: int, since: date, until: date, keys: Sequence[str], by: DayBasis = DayBasis.RECEIVED
) -> list[Tally]:
    """The tallies of outputs received or occurred on these days, both included; `keys`: the declared segment keys.

    By `OCCURRED`, outputs count if they were received from one day before to 31 days after these days.
    """
    moment, within = _MOMENTS[by]
    segment = ", ".join(f"o.segment ->> %(key{index})s" for index in range(len(keys)))
    parameters = {f"key{index}": key for index, key in enumerate(keys)}
    with transaction.atomic():
        sql.run_statement(_PREFER_HASHING)
        rows = sql.fetch_tuples(
            _TALLIES.format(segment=f"ARRAY[{segment}]::text[]", moment=moment, within=within),
            {"stream": stream_id, **_window_parameters(since, until, by=by), **parameters},
        )
        return [_tally_from_row(list(row)) for row in rows]


_AUDIT_COUNTS = f"""
    SELECT o.stream_id, r.pi, count(*), count(*) FILTER (WHERE e.wrong)
    FROM escalation_output o
    JOIN escalation_route r ON r.output_id = o.id
    JOIN escalation_outcome e ON e.output_id = o.id
    WHERE o.stream_id = ANY(%(streams)s) AND o.id >= %(first)s AND o.id < %(last)s
      AND {audits.IS_LIVE} AND {audits.IS_AUTOMATED_AUDIT}
    GROUP BY 1, 2
"""


def load_audit_counts(*, stream_ids: Iterable[int], since: date, until: date) -> dict[int, list[AuditCounts]]:
    """The answered audits of several streams, by stream id, for pages that show only error rates."""
    found: dict[int, list[AuditCounts]] = {stream_id: [] for stream_id in stream_ids}
    for stream_id, pi, judged, wrong in sql.fetch_tuples(
        _AUDIT_COUNTS, {"streams": list(found), **_window_parameters(since, until)}
    ):
        found[stream_id].append(AuditCounts(pi, judged, wrong))
    return found


_SETTLED_PER_DAY = """
    SELECT (e.settled_at AT TIME ZONE %(zone)s)::date, count(*)
    FROM escalation_outcome e
    WHERE e.stream_id = %(stream)s AND e.settled_at >= %(from)s AND e.settled_at < %(to)s
    GROUP BY 1
"""


def count_settled_per_day(*, stream_id: int, since: date, until: date) -> dict[date, int]:
    """How many outputs people decided on each day, whenever they were received."""
    return dict(sql.fetch_tuples(_SETTLED_PER_DAY, {"stream": stream_id, **_window_parameters(since, until)}))


_DECISION_TIMES = """
    SELECT count(*), percentile_cont(ARRAY[0.5, 0.9, 0.95]) WITHIN GROUP (
        ORDER BY extract(epoch FROM e.settled_at - o.received_at))
    FROM escalation_outcome e
    JOIN escalation_output o ON o.id = e.output_id
    JOIN escalation_route r ON r.output_id = e.output_id
    WHERE e.stream_id = %(stream)s AND e.settled_at >= %(from)s AND e.settled_at < %(to)s
      AND NOT r.released AND e.round = 1
"""


def measure_decision_times(*, stream_id: int, since: date, until: date) -> DecisionTimes:
    """How long outputs that people decided on these days had waited.

    Only outputs that waited for their decision: audits of automated outputs keep nobody waiting, and neither do
    reopened decisions.
    """
    decided, percentiles = sql.fetch_tuple(
        _DECISION_TIMES, {"stream": stream_id, **_window_parameters(since, until)}
    ) or (0, None)
    median, p90, p95 = percentiles or (None, None, None)
    return DecisionTimes(decided, median, p90, p95)


def _tally_from_row(values: list[Any]) -> Tally:
    values[4] = tuple(values[4])
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
