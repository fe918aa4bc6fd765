"""Replays a policy on stored outputs with the function that routes them: exact, output by output."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import msgspec
import numpy as np
from django.db import transaction

from escalation.models import Stream, output_id
from escalation.policies.spec import PolicySpec, decides_by_field
from escalation.routing import decide
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
    window = find_window(stream, since=since, until=until, most=most)
    number = stream.schema_number if schema_number is None else schema_number
    result = ReplayResult(since=max(since, output_id.time_of_id(window.first)), cut=window.cut)
    for rows in fetch_chunks(stream, window.first, until):
        for row, route in zip(rows, decide_again(stream, spec, rows, schema_number=number), strict=True):
            _count_output(result, row, route.released)
    return result


class ReplayedOutput(NamedTuple):
    """One routed output, with what its route and its outcome say. JSON columns are still texts.

    `wrong` is None until people have judged it; `settled` is the right answer if it is a single label.
    """

    confidence: float | None
    predicted: str
    value: float | None
    segment: str
    model_version: str
    u: float
    p: float
    released: bool
    wrong: bool | None
    label_decisions: str | None
    invalid_prediction: bool
    schema_number: int
    external_id: str
    field_confidences: str | None
    id: int
    is_answered_audit: bool
    settled: str
    part_errors: str | None

    def list_wrong_parts(self) -> tuple[list[str], list[str]]:
        """The fields or labels that reviewers found wrong, and which of these labels were predicted."""
        errors: dict[str, bool] = msgspec.json.decode(self.part_errors) if self.part_errors else {}
        wrong = [part for part, is_wrong in errors.items() if is_wrong]
        labels = _parse_label_decisions(self.label_decisions)
        return wrong, [part for part in wrong if labels is not None and part in labels.predicted]


class ReplayedRoute(NamedTuple):
    """What a version does with an output: releases it, and has people review it before or after that.

    `eligible`: at or above its thresholds, so that only an audit that holds may keep it from being released.
    """

    released: bool
    review: bool
    eligible: bool


@dataclass(frozen=True, slots=True)
class ReplayWindow:
    """The outputs from the id `first` on; `cut`: there are more before it than may be replayed."""

    first: int
    cut: bool


def find_window(stream: Stream, *, since: datetime, until: datetime, most: int | None) -> ReplayWindow:
    """The outputs received from `since` until before `until`, at most the latest `most` of them."""
    first, last = output_id.first_id_at(since), output_id.first_id_at(until)
    if most is None:
        return ReplayWindow(first, cut=False)
    limits = {"stream": stream.pk, "first": first, "last": last, "most": most}
    found = sql.fetch_tuples(queries.FIRST_OF_LATEST, limits)
    return ReplayWindow(int(found[0][0]), cut=True) if len(found) == 2 else ReplayWindow(first, cut=False)


def fetch_chunks(stream: Stream, first: int, until: datetime) -> Iterator[list[ReplayedOutput]]:
    """The routed outputs from an id on, in order, some at a time."""
    limits = {"stream": stream.pk, "first": first, "last": output_id.first_id_at(until)}
    with transaction.atomic():
        for rows in sql.stream_tuples(queries.ROUTED_OUTPUTS, limits, size=CHUNK_SIZE_ROWS):
            yield [ReplayedOutput(*row) for row in rows]


def decide_again(
    stream: Stream, spec: PolicySpec, rows: Sequence[ReplayedOutput], *, schema_number: int
) -> list[ReplayedRoute]:
    """What this version does with each output. Rows with the same audit rate are decided together.

    schema_number: the answers that it was made for; outputs received under others go to review.
    """
    released, review, eligible = np.zeros(len(rows), bool), np.ones(len(rows), bool), np.zeros(len(rows), bool)
    covered = np.array([row.schema_number == schema_number for row in rows], dtype=bool)
    rates = np.array([row.p if spec.audit.per_day is not None else spec.audit.rate or 0.0 for row in rows])
    for rate in np.unique(rates[covered]):
        indices = np.flatnonzero(covered & (rates == rate))
        part = [rows[index] for index in indices.tolist()]
        u = np.array([row.u for row in part])
        routes = decide.decide_routes(spec, _build_columns(stream, spec, part), u=u, p=float(rate))
        released[indices], review[indices], eligible[indices] = routes.released, routes.review, routes.eligible
    return list(map(ReplayedRoute, released.tolist(), review.tolist(), eligible.tolist()))


def _build_columns(stream: Stream, spec: PolicySpec, rows: Sequence[ReplayedOutput]) -> decide.OutputColumns:
    fields = [None if row.field_confidences is None else msgspec.json.decode(row.field_confidences) for row in rows]
    return decide.OutputColumns(
        confidence=np.array([np.nan if row.confidence is None else row.confidence for row in rows]),
        predicted=[row.predicted for row in rows],
        value=np.array([np.nan if row.value is None else row.value for row in rows]),
        segment=[{} if row.segment == "{}" else json.loads(row.segment) for row in rows],
        model_version=[row.model_version for row in rows],
        labels=[_parse_label_decisions(row.label_decisions) for row in rows],
        invalid=np.array([row.invalid_prediction for row in rows], dtype=bool),
        fields=fields,
        field_numbers=[
            decide.draw_field_numbers(bytes(stream.secret), stream.slug, row.external_id, one) if one else None
            for row, one in zip(rows, fields, strict=True)
        ]
        if decides_by_field(spec)
        else None,
    )


def _parse_label_decisions(text: str | None) -> decide.LabelDecisions | None:
    return None if text is None else msgspec.json.decode(text, type=decide.LabelDecisions)


def _count_output(result: ReplayResult, row: ReplayedOutput, would_automate: bool) -> None:
    result.same += row.released == would_automate
    result.newly_automated += would_automate and not row.released
    result.newly_reviewed += row.released and not would_automate
    for group in (result.total, result.classes.setdefault(row.predicted, ReplayCounts())):
        group.outputs += 1
        group.automated += row.released
        group.would_automate += would_automate
        if would_automate and row.wrong is not None:
            group.judged += 1
            group.wrong += row.wrong
