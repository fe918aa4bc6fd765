"""Locks reviewed outputs, and writes the outcomes of their reviews."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reviewqueue.answers import schema
from reviewqueue.facade.labels import SettledLabel
from reviewqueue.kernel import sql


@dataclass(frozen=True, slots=True)
class LockedOutput:
    """An output at the time its label arrived, with its latest decision. `revision` is 0 if there is none yet."""

    id: int
    stream_id: int
    external_id: str
    state: str
    shadow: bool
    prediction: Any
    revision: int
    outcome: str | None
    answer: Any


_LOCK_OUTPUTS = """
    SELECT o.id, o.stream_id, o.external_id, o.state, o.shadow, (p.body -> 'prediction')::text,
           COALESCE(d.revision, 0), d.outcome, d.answer::text
    FROM escalation_output o
    JOIN escalation_payload p ON p.output_id = o.id
    LEFT JOIN LATERAL (
        SELECT revision, outcome, answer FROM escalation_decision WHERE output_id = o.id
        ORDER BY revision DESC LIMIT 1
    ) d ON true
    WHERE o.id = ANY(%s) ORDER BY o.id FOR NO KEY UPDATE OF o
"""


def lock_outputs(output_ids: Sequence[int]) -> dict[int, LockedOutput]:
    """These outputs by id, locked until the transaction ends."""
    return {
        row[0]: LockedOutput(*(*row[:5], _load_json(row[5]), *row[6:8], _load_json(row[8])))
        for row in sql.fetch_tuples(_LOCK_OUTPUTS, [list(output_ids)])
    }


def _load_json(text: str | None) -> Any:
    return None if text is None else json.loads(text)


# A later round decides again, but the first round's verdict on the model stays: reviewers of a later round know that
# the output was decided before, and outputs are not reopened at random. Reviews and review time add up.
_UPSERT_OUTCOMES = """
    INSERT INTO escalation_outcome AS o (
        output_id, stream_id, label_id, round, outcome, answer, settled, wrong, overturned, blind, reviews,
        active_seconds, settled_at)
    SELECT output_id, stream_id, label_id, round, outcome, answer, settled, wrong, overturned, blind,
        reviews, active_seconds, settled_at
    FROM jsonb_to_recordset(%s::jsonb) AS new (
        output_id bigint, stream_id bigint, label_id bigint, round smallint, outcome text, answer jsonb, settled text,
        wrong boolean, overturned boolean, blind boolean, reviews smallint, active_seconds double precision,
        settled_at timestamptz)
    ON CONFLICT (output_id) DO UPDATE SET
        label_id = excluded.label_id, round = excluded.round, outcome = excluded.outcome, answer = excluded.answer,
        overturned = excluded.overturned, settled_at = excluded.settled_at,
        reviews = o.reviews + excluded.reviews,
        active_seconds = COALESCE(o.active_seconds + excluded.active_seconds, o.active_seconds, excluded.active_seconds)
"""


def upsert_outcomes(known: list[tuple[SettledLabel, LockedOutput]]) -> None:
    """Write the outcomes of these labels: new ones, or a later round of an existing one."""
    rows = [_outcome_row(label, output) for label, output in known]
    sql.run_statement(_UPSERT_OUTCOMES, [json.dumps(rows)])


def _outcome_row(label: SettledLabel, output: LockedOutput) -> dict[str, Any]:
    corrected = label.outcome == "answered" and not schema.answers_match(label.answer, output.prediction)
    return {
        "output_id": output.id,
        "stream_id": output.stream_id,
        "label_id": label.label_id,
        "round": label.round,
        "outcome": label.outcome,
        "answer": label.answer,
        "settled": label.first_answer if isinstance(label.first_answer, str) else "",
        "wrong": _is_wrong(label, output),
        "overturned": label.outcome == "rejected" or corrected,
        "blind": label.blind,
        "reviews": label.reviews,
        "active_seconds": label.active_seconds,
        "settled_at": label.settled_at.isoformat(),
    }


def _is_wrong(label: SettledLabel, output: LockedOutput) -> bool | None:
    """Whether the prediction was wrong by the settled first answers; None if it was unjudgeable."""
    if label.first_outcome == "unjudgeable":
        return None
    return label.first_outcome == "rejected" or not schema.answers_match(label.first_answer, output.prediction)
