"""What a policy would have done to stored outputs, by the very function that routes: exact, output by output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection, transaction

from escalation.models import Stream, output_id
from escalation.policies.spec import PolicySpec
from escalation.routing import decide

CHUNK_SIZE_ROWS = 20_000


@dataclass(slots=True)
class ReplayCounts:
    """Outputs of one class: how many went out without a person first (`automatic`), and how many would have.

    `judged` of those that would have were judged by people, `wrong` of them wrong: known cases, not an estimate.
    """

    outputs: int = 0
    automated: int = 0
    would_automate: int = 0
    judged: int = 0
    wrong: int = 0


@dataclass(slots=True)
class ReplayResult:
    """A window's outputs, routed again: how many would have gone the same way, and how many another.

    `since`: when the first could have been received; later than what was asked for only where the window was `cut`,
    because it holds more than were to be gone through. `newly_released` waited for a person and would have gone out
    first, `newly_held` the other way round.
    """

    since: datetime
    cut: bool = False
    same: int = 0
    newly_automated: int = 0
    newly_reviewed: int = 0
    total: ReplayCounts = field(default_factory=ReplayCounts)
    classes: dict[str, ReplayCounts] = field(default_factory=dict)


# Not what a stop sent to people, nor what could not be routed: no policy decided about these.
_ROUTED_OUTPUTS = """
    SELECT o.confidence, o.predicted, o.value, COALESCE(o.segment, '{}'::jsonb)::text, o.model_version, r.u, r.p,
        r.released, e.wrong
    FROM escalation_output o
    JOIN escalation_route r ON r.output_id = o.id
    LEFT JOIN escalation_outcome e ON e.output_id = o.id
    WHERE o.stream_id = %(stream)s AND o.id >= %(first)s AND o.id < %(last)s AND r.policy_id IS NOT NULL
      AND r.stop_id IS NULL AND r.reason NOT IN ('stopped', 'dispatch_failed')
    ORDER BY o.id
"""


def replay_policy(
    stream: Stream, spec: PolicySpec, *, since: datetime, until: datetime, most: int | None = None
) -> ReplayResult:
    """Route again what was received from `since` until before `until`, as this policy would have.

    most: no more than the latest so many received, whatever became of them; `Replayed.cut` and `since` say whether
    there were more and where these begin. Each output keeps its permanent number. A policy with an audit rate of its
    own draws at that; one with a number a day draws at the rate that was in force.
    """
    cut_at = None if most is None else _find_cut_id(stream, since, until, most)
    first = output_id.first_id_at(since) if cut_at is None else cut_at
    found = ReplayResult(since=max(since, output_id.time_of_id(first)), cut=cut_at is not None)
    for rows in _fetch_chunks(stream, first, until):
        routes = _decide_again(spec, rows)
        for row, would in zip(rows, routes, strict=True):
            _count_output(found, row, would)
    return found


# The first of the latest so many, and the one before it where there is one.
_FIRST_OF_LATEST = """
    SELECT id FROM escalation_output WHERE stream_id = %(stream)s AND id >= %(first)s AND id < %(last)s
    ORDER BY id DESC OFFSET %(most)s - 1 LIMIT 2
"""


def _find_cut_id(stream: Stream, since: datetime, until: datetime, most: int) -> int | None:
    """The id at which the latest so many begin; None where the window holds no more."""
    limits = {
        "stream": stream.pk,
        "first": output_id.first_id_at(since),
        "last": output_id.first_id_at(until),
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_OF_LATEST, limits)
        found = cursor.fetchall()
    return int(found[0][0]) if len(found) == 2 else None


def _fetch_chunks(stream: Stream, first: int, until: datetime) -> Iterator[list[tuple[Any, ...]]]:
    limits = {"stream": stream.pk, "first": first, "last": output_id.first_id_at(until)}
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_ROUTED_OUTPUTS, limits)
        while rows := cursor.fetchmany(CHUNK_SIZE_ROWS):
            yield rows


def _decide_again(spec: PolicySpec, rows: list[tuple[Any, ...]]) -> list[bool]:
    """Whether each would have gone out without a person first; rows that were drawn at one rate are decided at once."""
    would = np.zeros(len(rows), bool)
    rates = np.array([row[6] if spec.audit.per_day is not None else spec.audit.rate or 0.0 for row in rows])
    for rate in np.unique(rates):
        places = np.flatnonzero(rates == rate)
        part = [rows[place] for place in places]
        draws = np.array([row[5] for row in part])
        would[places] = decide.decide_routes(spec, _build_columns(part), u=draws, p=float(rate)).released
    released: list[bool] = would.tolist()
    return released


def _build_columns(rows: list[tuple[Any, ...]]) -> decide.OutputColumns:
    return decide.OutputColumns(
        confidence=np.array([np.nan if row[0] is None else row[0] for row in rows]),
        predicted=[row[1] for row in rows],
        value=np.array([np.nan if row[2] is None else row[2] for row in rows]),
        segment=[{} if row[3] == "{}" else json.loads(row[3]) for row in rows],
        model_version=[row[4] for row in rows],
    )


def _count_output(found: ReplayResult, row: tuple[Any, ...], would: bool) -> None:
    predicted, was, wrong = row[1], row[7], row[8]
    found.same += was == would
    found.newly_automated += would and not was
    found.newly_reviewed += was and not would
    for group in (found.total, found.classes.setdefault(predicted, ReplayCounts())):
        group.outputs += 1
        group.automated += was
        group.would_automate += would
        if would and wrong is not None:
            group.judged += 1
            group.wrong += wrong
