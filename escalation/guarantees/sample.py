"""The certification sample: a simple random sample of a stream's traffic, whose labels nobody could select.

It holds all outputs whose permanent number u is below the lowest audit rate of the window, on both sides of any
threshold and whatever their routing reason. Reviewers answered before seeing the AI's answer. The sample needs no
weights, and changing a threshold or rate cannot redraw it.
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

MAX_SAMPLE_AGE_DAYS = 180


@dataclass(frozen=True, slots=True)
class SampleWindow:
    """Outputs with first <= id < last; `rate` is the lowest audit rate among them (0: there is no sample)."""

    first: int
    last: int
    rate: float


@dataclass(frozen=True, slots=True)
class EvaluationSample:
    """Columns of the n outputs of a sample that count as right or wrong, in order of their ids.

    `wrong` is by answers given blind. `group` is the value that the target groups by. `missing_*`: the same columns for
    outputs that were unjudgeable or not answered blind. `overdue`: how many have no answer, because it is overdue, the
    output was withdrawn, or it is the pending one at the end of the window; these are in the columns, as wrong.
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


# The window begins after the population's last output that could not have been drawn, and after its last alarm.
_WINDOW = """
    WITH line AS MATERIALIZED (
        SELECT o.id, r.p FROM escalation_output o JOIN escalation_route r ON r.output_id = o.id
        WHERE o.stream_id = %(stream)s AND o.id >= %(first)s AND o.model = %(model)s
          AND o.model_version = %(version)s AND o.schema_number = %(schema)s
    )
    SELECT min(id), max(id) + 1, min(p) FROM line
    WHERE id > GREATEST(COALESCE((SELECT max(id) FROM line WHERE p = 0), 0), %(alarm)s)
"""


def has_traffic(stream: Stream, covered: Population, *, now: datetime) -> bool:
    """Whether the population has routed traffic, drawn or not, since its last alarm and within the sample's reach."""
    after = max(
        output_id.first_id_at(now - timedelta(days=MAX_SAMPLE_AGE_DAYS)), alarms.find_last_alarm(stream.pk, covered)
    )
    return Output.objects.filter(stream=stream, pk__gt=after, route__isnull=False, **asdict(covered)).exists()


def find_window(stream: Stream, covered: Population, *, now: datetime) -> SampleWindow | None:
    """The latest stretch of the population's traffic in which every output could be drawn; None if there is none."""
    limits = {
        "first": output_id.first_id_at(now - timedelta(days=MAX_SAMPLE_AGE_DAYS)),
        "alarm": alarms.find_last_alarm(stream.pk, covered),
    }
    with connection.cursor() as cursor:
        cursor.execute(_WINDOW, _population_parameters(stream, covered) | limits)
        row = cursor.fetchone()
    return SampleWindow(*row) if row and row[0] is not None else None


# Outputs with a confidence, drawn at the lowest rate of the window. Outputs that were withdrawn before any review are
# left out if they would have been reviewed anyway. Eligible ones stay, or a producer could withdraw its errors: as they
# were reviewed, otherwise as errors.
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
    stream: Stream, covered: Population, window: SampleWindow, *, spec: PolicySpec, group: str, now: datetime
) -> EvaluationSample:
    """The sample of a window, up to and including the first output whose answer is pending but not overdue.

    spec: outputs that match one of its rules are always reviewed, so they are not part of the sample; an output
    unanswered for its `due_days` counts as wrong, and the window continues past it. group: empty for one group,
    `predicted`, or `segment:KEY`.
    """
    rows = [row for row in _fetch_rows(stream, covered, window, group) if not _is_caught_by_rule(row, spec)]
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
    wrong: bool | None  # None: unjudgeable or unanswered
    blind: bool | None  # None: unanswered
    received_at: datetime
    predicted: str
    value: float | None
    segment: str
    gone: bool


def _fetch_rows(stream: Stream, covered: Population, window: SampleWindow, group: str) -> list[_SampledOutput]:
    kind, _, key = group.partition(":")
    expression = {"": "''", "predicted": "o.predicted", "segment": "o.segment ->> %(key)s"}[kind]
    limits: dict[str, Any] = {"first": window.first, "last": window.last, "rate": window.rate, "key": key}
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE.format(group=expression), _population_parameters(stream, covered) | limits)
        return [_SampledOutput(*row) for row in cursor.fetchall()]


def _is_caught_by_rule(row: _SampledOutput, spec: PolicySpec) -> bool:
    """Whether a rule of this policy matches it, whatever its reason was when it was routed."""
    facts = {} if row.segment == "{}" else json.loads(row.segment)
    value = float("nan") if row.value is None else row.value
    return any(
        rule.matches(confidence=row.score, value=value, predicted=row.predicted, segment=facts) for rule in spec.rules
    )


def _cut_after_first_pending(
    rows: list[_SampledOutput], last: int, *, due: timedelta, now: datetime
) -> tuple[list[_SampledOutput], int]:
    """The rows up to the first one that is unanswered but not overdue, and the id at which they end (exclusive).

    Errors take longer to settle than agreement, so continuing past a pending output would count too few of them.
    Stopping just before it would as well, because a future error could then decide where the rows end. So the pending
    one is included, and counts as wrong like any other without an answer.
    """
    for index, row in enumerate(rows):
        if row.blind is None and not row.gone and row.received_at > now - due:
            return rows[: index + 1], row.id + 1
    return rows, last


def _population_parameters(stream: Stream, covered: Population) -> dict[str, Any]:
    return {
        "stream": stream.pk,
        "model": covered.model,
        "version": covered.model_version,
        "schema": covered.schema_number,
    }


def _hash_labels(labels: Sequence[tuple[int, bool | None]]) -> str:
    """SHA-256 of ids and labels: identifies the labels that an evaluation used."""
    return hashlib.sha256(repr(list(labels)).encode()).hexdigest()
