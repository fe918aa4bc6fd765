"""Replays a policy on stored outputs with the function that routes them: exact, output by output."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from django.db import transaction

from escalation.models import Stream, output_id
from escalation.policies.spec import PolicySpec, decides_by_field
from escalation.routing import decide
from escalation.routing.field_routes import FieldConfidences, FieldNumbers
from escalation.simulation import queries
from reviewqueue.kernel import sql

CHUNK_SIZE_ROWS = 20_000


@dataclass(slots=True)
class ReplayCounts:
    """Outputs of one class: how many were automated, and how many the policy would have automated.

    Of those that it would have automated, `judged` were reviewed by people and `wrong` were errors: known cases, not an
    estimate.
    """

    outputs: int = 0
    automated: int = 0
    would_automate: int = 0
    judged: int = 0
    wrong: int = 0


@dataclass(slots=True)
class ReplayResult:
    """The replay of a window's outputs: how many would have been routed the same way, and how many differently.

    `since`: the start of the replayed window, later than requested only if it was `cut` because the window holds more
    outputs than the limit. `newly_automated`: waited for review, and would have been automated; `newly_reviewed`: the
    other way round.
    """

    since: datetime
    cut: bool = False
    same: int = 0
    newly_automated: int = 0
    newly_reviewed: int = 0
    total: ReplayCounts = field(default_factory=ReplayCounts)
    classes: dict[str, ReplayCounts] = field(default_factory=dict)


def replay_policy(
    stream: Stream,
    spec: PolicySpec,
    *,
    since: datetime,
    until: datetime,
    most: int | None = None,
    schema_number: int | None = None,
) -> ReplayResult:
    """Route the outputs received from `since` until before `until` again, with this policy.

    schema_number: the answers that the policy was made for, by default the stream's present ones. As in routing, those
    received under other answers go to review.
    most: replay at most this many of the latest outputs received, routed or not; `cut` and `since` of the result say
    whether there were more and where the replay began. Each output keeps its permanent number. A policy with an audit
    rate draws at that rate; one with a number per day draws at the rate that was in effect at the time.
    """
    cut_at = None if most is None else _find_cut_id(stream, since, until, most)
    first = output_id.first_id_at(since) if cut_at is None else cut_at
    number = stream.schema_number if schema_number is None else schema_number
    result = ReplayResult(since=max(since, output_id.time_of_id(first)), cut=cut_at is not None)
    for rows in _fetch_chunks(stream, first, until):
        routes = _decide_again(stream, spec, rows)
        for row, would_automate in zip(rows, routes, strict=True):
            _count_output(result, row, would_automate and row[11] == number)
    return result


def _find_cut_id(stream: Stream, since: datetime, until: datetime, most: int) -> int | None:
    """The id at which the latest `most` outputs begin; None if the window holds no more than that."""
    limits = {
        "stream": stream.pk,
        "first": output_id.first_id_at(since),
        "last": output_id.first_id_at(until),
        "most": most,
    }
    found = sql.fetch_tuples(queries.FIRST_OF_LATEST, limits)
    return int(found[0][0]) if len(found) == 2 else None


def _fetch_chunks(stream: Stream, first: int, until: datetime) -> Iterator[list[tuple[Any, ...]]]:
    limits = {"stream": stream.pk, "first": first, "last": output_id.first_id_at(until)}
    with transaction.atomic():
        yield from sql.stream_tuples(queries.ROUTED_OUTPUTS, limits, size=CHUNK_SIZE_ROWS)


def _decide_again(stream: Stream, spec: PolicySpec, rows: list[tuple[Any, ...]]) -> list[bool]:
    """Whether each output would have been automated. Rows with the same audit rate are decided together."""
    would_automate = np.zeros(len(rows), bool)
    rates = np.array([row[6] if spec.audit.per_day is not None else spec.audit.rate or 0.0 for row in rows])
    for rate in np.unique(rates):
        indices = np.flatnonzero(rates == rate)
        part = [rows[index] for index in indices]
        u = np.array([row[5] for row in part])
        columns = _build_columns(stream, spec, part)
        would_automate[indices] = decide.decide_routes(spec, columns, u=u, p=float(rate)).released
    released: list[bool] = would_automate.tolist()
    return released


def _build_columns(stream: Stream, spec: PolicySpec, rows: list[tuple[Any, ...]]) -> decide.OutputColumns:
    fields = [None if row[13] is None else msgspec.json.decode(row[13]) for row in rows]
    return decide.OutputColumns(
        confidence=np.array([np.nan if row[0] is None else row[0] for row in rows]),
        predicted=[row[1] for row in rows],
        value=np.array([np.nan if row[2] is None else row[2] for row in rows]),
        segment=[{} if row[3] == "{}" else json.loads(row[3]) for row in rows],
        model_version=[row[4] for row in rows],
        labels=[None if row[9] is None else msgspec.json.decode(row[9], type=decide.LabelDecisions) for row in rows],
        invalid=np.array([row[10] for row in rows], dtype=bool),
        fields=fields,
        field_numbers=_draw_field_numbers(stream, rows, fields) if decides_by_field(spec) else None,
    )


def _draw_field_numbers(
    stream: Stream, rows: list[tuple[Any, ...]], fields: list[FieldConfidences | None]
) -> list[FieldNumbers | None]:
    draw = functools.partial(decide.draw_field_numbers, bytes(stream.secret), stream.slug)
    return [draw(row[12], one) if one else None for row, one in zip(rows, fields, strict=True)]


def _count_output(result: ReplayResult, row: tuple[Any, ...], would_automate: bool) -> None:
    predicted, was_automated, wrong = row[1], row[7], row[8]
    result.same += was_automated == would_automate
    result.newly_automated += would_automate and not was_automated
    result.newly_reviewed += was_automated and not would_automate
    for group in (result.total, result.classes.setdefault(predicted, ReplayCounts())):
        group.outputs += 1
        group.automated += was_automated
        group.would_automate += would_automate
        if would_automate and wrong is not None:
            group.judged += 1
            group.wrong += wrong
