"""Locks reviewed outputs, and writes the outcomes of their reviews."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from escalation.decisions import queries
from reviewqueue.answers import schema
from reviewqueue.facade.labels import SettledLabel
from reviewqueue.kernel import sent_json, sql


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


def lock_outputs(output_ids: Sequence[int]) -> dict[int, LockedOutput]:
    """These outputs by id, locked until the transaction ends."""
    return {
        row[0]: LockedOutput(*(*row[:5], _load_json(row[5]), *row[6:8], _load_json(row[8])))
        for row in sql.fetch_tuples(queries.LOCK_OUTPUTS, [list(output_ids)])
    }


def _load_json(text: str | None) -> Any:
    return None if text is None else sent_json.parse_sent(text)


def upsert_outcomes(known: list[tuple[SettledLabel, LockedOutput]]) -> None:
    """Write the outcomes of these labels: new ones, or a later round of an existing one."""
    rows = [_outcome_row(label, output) for label, output in known]
    sql.run_statement(queries.UPSERT_OUTCOMES, [sent_json.encode_sent(rows)])


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
