"""What the model's `confidence` and `scores` say about its prediction, by the kind of the stream's answers. Pure.

| answers | keys of `scores` | the confidence if `confidence` is absent |
|---|---|---|
| one label | the stream's answers | the score of the predicted answer |
| a set of labels | the stream's answers | the lowest of the decisions about single labels: the score of a predicted one, 1 - score of one left out |
| fields | fields, by name or JSON Pointer | the lowest score of a field that the prediction has |

A field is as sure as its score says, or else `confidence`. A score of what is inside a field, or of the group that it is
in, limits the field's; the lowest counts.
"""  # noqa: E501 - a table

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from escalation.routing.decide import LabelDecisions
from escalation.routing.field_routes import FieldConfidences
from reviewqueue.answers import fields, json_schema, schema
from reviewqueue.answers.fields import FieldPath
from reviewqueue.answers.json_schema import SchemaRules
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.kernel.choices import guess_choice
from reviewqueue.kernel.errors import Invalid
from reviewqueue.kernel.json_pointer import format_pointer

type Scores = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ReportedConfidence:
    """What routing reads of the scores.

    implied: the confidence that follows from them; None if they say nothing about the whole prediction. labels: the
    decisions about single labels; None unless the answer is a set of labels. fields: how sure the model is of each
    field, by JSON Pointer, None for one of which it said nothing; None unless the answer has fields.
    """

    implied: float | None
    labels: LabelDecisions | None = None
    fields: FieldConfidences | None = None


def interpret_scores(
    prediction: Any, scores: Scores, form: AnswerSpec, *, overall: float | None = None
) -> ReportedConfidence:
    """What the scores say about a normalised prediction. Raises Invalid for a key that is no answer and no field.

    overall: the `confidence` that was sent with them, if one was.
    """
    if form.kind == schema.STRUCTURED:
        return _interpret_fields(prediction, scores, form, overall)
    if scores:
        answers = frozenset(form.answers)
        for key in scores:
            if key not in answers:
                raise _unknown_key(key, "is not an answer of this stream", form.answers)
    if form.kind == schema.LABELS:
        return _interpret_labels(prediction, scores)
    return ReportedConfidence(scores.get(prediction))


def _interpret_labels(prediction: list[str], scores: Scores) -> ReportedConfidence:
    """The implied confidence is unknown if a predicted label has no score."""
    predicted = frozenset(prediction)
    decided = {label: score if label in predicted else 1.0 - score for label, score in scores.items()}
    complete = bool(scores) and all(label in scores for label in prediction)
    implied = min(decided.values()) if complete else None
    return ReportedConfidence(implied, LabelDecisions(predicted=prediction, confidences=decided))


def _interpret_fields(
    prediction: dict[str, Any], scores: Scores, form: AnswerSpec, overall: float | None
) -> ReportedConfidence:
    """Scores of fields that the prediction leaves out say nothing about the prediction as a whole."""
    seen: dict[FieldPath, float] = {}
    of_present = []
    for key, score in scores.items():
        path = _parse_path(key)
        if _has_field(prediction, path):
            of_present.append(score)
        elif not _declares_field(form.schema or {}, path):
            raise _unknown_key(key, "is not a field of the prediction", _list_names(prediction, form))
        if path in seen:
            raise _invalid_scores(key, f"`scores` has two entries for the field `{format_pointer(path)}`; send one")
        seen[path] = score
    of_fields = {field.pointer: _find_confidence(prediction, field.path, seen, overall) for field in form.fields}
    return ReportedConfidence(min(of_present, default=None), fields=of_fields)


def _find_confidence(
    prediction: dict[str, Any], field: FieldPath, scores: Mapping[FieldPath, float], overall: float | None
) -> float | None:
    """How sure the model is of one field; None if it said so of nothing, or only of a part of it."""
    known = [score for path, score in scores.items() if path[: len(field)] == field or path == field[: len(path)]]
    covered = any(path == field[: len(path)] for path in scores) or _is_scored(prediction, field, scores)
    if not covered and overall is None:
        return None
    return min(known if covered or overall is None else [*known, overall])


def _is_scored(prediction: Any, field: FieldPath, scores: Mapping[FieldPath, float]) -> bool:
    """Whether everything inside a field that the prediction has is scored."""
    value = fields.find_value(prediction, field)
    return _has_only_scored(value, field, scores) if isinstance(value, dict | list) and scores else False


def _has_only_scored(value: Any, path: FieldPath, scores: Mapping[FieldPath, float]) -> bool:
    if path in scores:
        return True
    inner: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
    parts = [_has_only_scored(part, (*path, str(step)), scores) for step, part in inner]
    return bool(parts) and all(parts)


def _parse_path(key: str) -> FieldPath:
    """The field of a key: a JSON Pointer, or the name of a field at the top."""
    if not key.startswith("/"):
        return (key,)
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in key.split("/")[1:])


def _has_field(value: Any, path: FieldPath) -> bool:
    for step in path:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return False
    return True


def _declares_field(root: SchemaRules, path: FieldPath) -> bool:
    """Whether a schema has such a field, so that its score is no mistake although the prediction leaves it out."""
    rules: Any = root
    for step in path:
        shape = json_schema.parse_shape(rules, root)
        if shape.kind == "list" and step.isascii() and step.isdigit():
            rules = shape.rules["items"]
        elif shape.kind == "group" and step in shape.properties:
            rules = shape.properties[step]
        else:
            return False
    return True


def _list_names(prediction: Mapping[str, Any], form: AnswerSpec) -> Sequence[str]:
    """The names of the fields at the top: of the schema, and those that the prediction adds."""
    return list(dict.fromkeys([*json_schema.parse_shape(form.schema or {}, form.schema or {}).properties, *prediction]))


def _unknown_key(key: str, fault: str, known: Iterable[str]) -> Invalid:
    similar = guess_choice(key.removeprefix("/"), known)
    hint = f"; did you mean `{similar}`?" if similar is not None else ""
    return _invalid_scores(key, f"`scores` has an entry for `{key}`, which {fault}{hint}")


def _invalid_scores(key: str, sentence: str) -> Invalid:
    text = sentence if sentence.endswith("?") else f"{sentence}."
    return Invalid(f"Invalid output: {text}", [{"pointer": format_pointer(["scores", key]), "detail": sentence}])
