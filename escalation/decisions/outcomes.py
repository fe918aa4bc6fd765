"""Locks reviewed outputs, and writes the outcomes of their reviews."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from escalation.decisions import field_errors, label_errors, queries
from escalation.routing.field_routes import RouteParts
from reviewqueue.answers import field_equality
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.facade import queue
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
    parts: RouteParts | None


def lock_outputs(output_ids: Sequence[int]) -> dict[int, LockedOutput]:
    """These outputs by id, locked until the transaction ends."""
    return {
        row[0]: LockedOutput(*(*row[:5], _load_json(row[5]), *row[6:8], _load_json(row[8]), _load_parts(row[9])))
        for row in sql.fetch_tuples(queries.LOCK_OUTPUTS, [list(output_ids)])
    }


def _load_json(text: str | None) -> Any:
    return None if text is None else sent_json.parse_sent(text)


def _load_parts(text: str | None) -> RouteParts | None:
    return None if text is None else msgspec.json.decode(text, type=RouteParts)


def upsert_outcomes(known: list[tuple[SettledLabel, LockedOutput]]) -> None:
    """Write the outcomes of these labels: new ones, or a later round of an existing one."""
    rows = [_outcome_row(label, output) for label, output in known]
    sql.run_statement(queries.UPSERT_OUTCOMES, [sent_json.encode_sent(rows)])


def _outcome_row(label: SettledLabel, output: LockedOutput) -> dict[str, Any]:
    form = queue.get_answer_spec(slug=label.queue, number=label.schema_number)
    corrected = label.outcome == "answered" and not field_equality.answers_match(label.answer, output.prediction, form)
    field_parts = field_errors.find_field_errors(label, output.prediction, form, parts=output.parts)
    label_parts = label_errors.find_label_errors(label, output.prediction, form)
    return {
        "output_id": output.id,
        "stream_id": output.stream_id,
        "label_id": label.label_id,
        "round": label.round,
        "outcome": label.outcome,
        "answer": label.answer,
        "settled": label.first_answer if isinstance(label.first_answer, str) else "",
        "wrong": _is_wrong(label, output, form, field_parts),
        "part_errors": field_parts if form.fields else label_parts,
        "overturned": label.outcome == "rejected" or corrected,
        "blind": label.blind,
        "reviews": label.reviews,
        "active_seconds": label.active_seconds,
        "settled_at": label.settled_at.isoformat(),
    }


def _is_wrong(
    label: SettledLabel, output: LockedOutput, form: AnswerSpec, field_parts: dict[str, bool] | None
) -> bool | None:
    """Whether the prediction was wrong by the settled first answers; None if it was unjudgeable.

    Where reviewers were asked for some of its fields only, whether one of these was wrong.
    """
    if label.first_outcome == "unjudgeable":
        return None
    if field_parts and len(field_parts) < len(form.fields):
        return any(field_parts.values())
    return label.first_outcome == "rejected" or not field_equality.answers_match(
        label.first_answer, output.prediction, form
    )
