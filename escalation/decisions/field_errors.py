"""Which fields of a prediction the first reviewers found wrong. Pure."""

from __future__ import annotations

from typing import Any

from escalation.routing.field_routes import RouteParts
from reviewqueue.answers import field_equality
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.facade.labels import SettledLabel


def find_field_errors(
    label: SettledLabel, prediction: Any, form: AnswerSpec, *, parts: RouteParts | None
) -> dict[str, bool] | None:
    """Whether each field that the first reviewers judged was wrong, by its JSON Pointer.

    They judged the fields that they were asked for, or all of them if that was the whole answer. A rejected prediction
    has no right field. None if the answers have no fields, or if the output was unjudgeable.
    """
    if not form.fields or label.first_outcome == "unjudgeable":
        return None
    pointers = [field.pointer for field in form.fields]
    judged = pointers if parts is None else parts.list_reviewed(pointers)
    if label.first_outcome == "rejected":
        return dict.fromkeys(judged, True)
    different = field_equality.find_different_fields(label.first_answer, prediction, form)
    return {pointer: different[pointer] for pointer in judged}
