"""The certification sample: a simple random sample of a stream's traffic whose labels nobody could choose.

All outputs whose permanent number u lies below the lowest audit rate of the window, on both sides of any threshold,
whatever they were sent to a person for. Nobody saw the AI's answer before giving theirs. It needs no weights, and no
change of a threshold or rate can roll it again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from escalation.guarantees import alarms
from escalation.guarantees.population import Population
from escalation.models import Output, Stream, output_id
from escalation.policies.spec import PolicySpec

MAX_SAMPLE_AGE_DAYS = 180  # how far back a sample reaches


@dataclass(frozen=True, slots=True)
class SampleWindow:
    """Outputs with first <= id < last; `rate` is the lowest audit rate of those (0: there is no sample)."""

    first: int
    last: int
    rate: float


@dataclass(frozen=True, slots=True)
class EvaluationSample:
    """Columns of the n answered outputs of a sample, in the order of ids, and how many have no answer.

    `wrong` by what people said without seeing the AI's answer. `group` is the value that the target's groups go by.
    `missing_*`: the same of those of whom nobody could tell, or not without having seen the AI's answer. `overdue`:
    unanswered, for too long, because they were taken back, or as the one that the window ends with; they stand in the
    columns as wrong.
    """

    window: SampleWindow
    scores: NDArray[np.float64]
    wrong: NDArray[np.bool_]
    group: Sequence[str]
    missing_scores: NDArray[np.float64]
    missing_group: Sequence[str]
    overdue: int
    labels_hash: str

    @property
    def missing(self) -> int:
        return len(self.missing_group)

    @property
    def sampled(self) -> int:
        return len(self.scores) + self.missing


# The window begins after the last output of the line that could not have been drawn, and after its last alarm.
_WINDOW = """
    WITH line AS MATERIALIZED (
        SELECT o.id, r.p FROM escalation_output o JOIN escalation_route r ON r.output_id = o.id
        WHERE o.stream_id = %(stream)s AND o.id >= %(first)s AND o.model = %(model)s
          AND o.model_version = %(version)s AND o.schema_number = %(schema)s
    )
    SELECT min(id), max(id) + 1, min(p) FROM line
    WHERE id > GREATEST(COALESCE((SELECT max(id) FROM line WHERE p = 0), 0), %(alarm)s)
"""


def has_traffic(stream: Stream, line: Population, *, now: datetime) -> bool:
    """Whether the line has routed traffic, drawn or not, since its last alarm and no further back than samples go."""
    after = max(
        output_id.first_id_at(now - timedelta(days=MAX_SAMPLE_AGE_DAYS)), alarms.find_last_alarm(stream.pk, line)
    )
    return Output.objects.filter(stream=stream, pk__gt=after, route__isnull=False, **asdict(line)).exists()


def find_window(stream: Stream, line: Population, *, now: datetime) -> SampleWindow | None:
    """The latest stretch of the line's traffic in which everything could be drawn; None where there is none."""
    limits = {
        "first": output_id.first_id_at(now - timedelta(days=MAX_SAMPLE_AGE_DAYS)),
        "alarm": alarms.find_last_alarm(stream.pk, line),
    }
    with connection.cursor() as cursor:
        cursor.execute(_WINDOW, _population_parameters(stream, line) | limits)
        row = cursor.fetchone()
    return SampleWindow(*row) if row and row[0] is not None else None


# Valid confidence, drawn at the lowest rate of the window. Of what a person would have seen anyway, what was taken back
# before anybody had judged it is left out. What goes out without a person stays, or a producer could take its mistakes
# back: as it was judged, and as a mistake where it was not.
_SAMPLE = """
    SELECT o.id, o.confidence, {group}, e.wrong, e.blind, o.received_at, o.predicted, o.value,
        COALESCE(o.segment, '{{}}'::jsonb)::text, o.state IN ('withdrawn', 'erased') AND e.output_id IS NULL
    FROM escalation_output o
    JOIN escalation_route r ON r.output_id = o.id
    LEFT JOIN escalation_outcome e ON e.output_id = o.id
    WHERE o.stream_id = %(stream)s AND o.id >= %(first)s AND o.id < %(last)s AND o.model = %(model)s
      AND o.model_version = %(version)s AND o.schema_number = %(schema)s
      AND (o.state NOT IN ('withdrawn', 'erased') OR e.output_id IS NOT NULL OR r.eligible)
      AND o.confidence IS NOT NULL AND r.u < %(rate)s
    ORDER BY o.id
"""


def draw_sample(
    stream: Stream, line: Population, window: SampleWindow, *, spec: PolicySpec, group: str, now: datetime
) -> EvaluationSample:
    """The sample of a window, up to the first output that still waits for its answer in time, that one included.

    spec: its rules send outputs to people whatever their confidence, so these are no part of it; after its `due_days`
    an unanswered output counts as wrong, and the window goes on past it. group: `` for one group, `predicted`, or
    `segment:KEY`.
    """
    rows = [row for row in _fetch_rows(stream, line, window, group) if not _is_caught_by_rule(row, spec)]
    rows, last = _cut_after_first_pending(rows, window.last, due=timedelta(days=spec.guarantee.due_days), now=now)
    unanswered = [row for row in rows if row.blind is None]
    labelled = [row for row in rows if row.blind is None or (row.blind and row.wrong is not None)]
    missing = [row for row in rows if row.blind is not None and not (row.blind and row.wrong is not None)]
    return EvaluationSample(
        window=SampleWindow(window.first, last, window.rate),
        scores=np.array([row.score for row in labelled], dtype=np.float64),
        wrong=np.array([row.wrong is not False for row in labelled], dtype=np.bool_),
        group=[row.group or "" for row in labelled],
        missing_scores=np.array([row.score for row in missing], dtype=np.float64),
        missing_group=[row.group or "" for row in missing],
        overdue=len(unanswered),
        labels_hash=_hash_labels([(row.id, row.wrong) for row in labelled]),
    )


class _SampledOutput(NamedTuple):
    id: int
    score: float
    group: str | None
    wrong: bool | None  # None: nobody could tell, or nobody has answered
    blind: bool | None  # None: nobody has answered
    received_at: datetime
    predicted: str
    value: float | None
    segment: str
    gone: bool


def _fetch_rows(stream: Stream, line: Population, window: SampleWindow, group: str) -> list[_SampledOutput]:
    kind, _, key = group.partition(":")
    expression = {"": "''", "predicted": "o.predicted", "segment": "o.segment ->> %(key)s"}[kind]
    limits: dict[str, Any] = {"first": window.first, "last": window.last, "rate": window.rate, "key": key}
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE.format(group=expression), _population_parameters(stream, line) | limits)
        return [_SampledOutput(*row) for row in cursor.fetchall()]


def _is_caught_by_rule(row: _SampledOutput, spec: PolicySpec) -> bool:
    """Whether a rule of the policy sends it to a person, whatever it was sent there for at its time."""
    facts = {} if row.segment == "{}" else json.loads(row.segment)
    value = float("nan") if row.value is None else row.value
    return any(
        rule.matches(confidence=row.score, value=value, predicted=row.predicted, segment=facts) for rule in spec.rules
    )


def _cut_after_first_pending(
    rows: list[_SampledOutput], last: int, *, due: timedelta, now: datetime
) -> tuple[list[_SampledOutput], int]:
    """The rows up to the first one that nobody has answered and that is not overdue yet, and where they end.

    Errors take longer to settle than agreement: going on past what is open would count too few of them. Stopping just
    before it would too, since where the rows end would then be chosen by an error that is still to come; so the open
    one is in, and counts as wrong like any that has no answer.
    """
    for at, row in enumerate(rows):
        if row.blind is None and not row.gone and row.received_at > now - due:
            return rows[: at + 1], row.id + 1
    return rows, last


def _population_parameters(stream: Stream, line: Population) -> dict[str, Any]:
    return {
        "stream": stream.pk,
        "model": line.model,
        "version": line.model_version,
        "schema": line.schema_number,
    }


def _hash_labels(labels: Sequence[tuple[int, bool | None]]) -> str:
    """SHA-256 of ids and labels: which labels a statement was made from."""
    return hashlib.sha256(repr(list(labels)).encode()).hexdigest()
