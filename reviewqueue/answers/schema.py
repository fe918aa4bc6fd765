"""What counts as an answer, and when two answers are the same. Pure."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jsonschema
from django.utils.translation import gettext as _
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.exceptions import Unresolvable

from reviewqueue.answers import validation_errors
from reviewqueue.kernel import json_pointer
from reviewqueue.kernel.errors import Invalid

LABEL = "label"
LABELS = "labels"
STRUCTURED = "structured"

MAX_ANSWERS = 1000
MAX_ANSWER_LENGTH = 200
_UNSTORABLE_CHARACTERS = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class AnswerSpec:
    """The possible answers: `label` is one of `answers`, `labels` any of them, `structured` satisfies `schema`."""

    kind: str
    answers: Sequence[str] = ()
    schema: Mapping[str, Any] | None = field(default=None)


def build_answer_spec(*, answers: Iterable[str] | None, multiple: bool, schema: Mapping[str, Any] | None) -> AnswerSpec:
    """The form that a queue's settings ask for; Invalid when they contradict each other."""
    listed = list(answers or ())
    if schema is not None:
        if listed or multiple:
            raise _invalid("/schema", _("Give either a list of answers or a JSON schema, not both."))
        return AnswerSpec(kind=STRUCTURED, schema=_validate_schema(schema))
    return AnswerSpec(kind=LABELS if multiple else LABEL, answers=_validate_answers(listed))


def normalize_answer(answer: Any, to: AnswerSpec, *, pointer: str = "/answer") -> Any:
    """The answer as it is stored: labels in schema order and once each, everything else as given.

    Raises Invalid, with a pointer below `pointer`, when it is not one of the possible answers.
    """
    if to.kind == LABEL:
        return _normalize_label(answer, to, pointer)
    if to.kind == LABELS:
        return _normalize_labels(answer, to, pointer)
    return _normalize_structured(answer, to, pointer)


def canonical_key(answer: Any) -> str:
    """Equal for equal answers: neither the order of fields nor 1 or 1.0, white space at the ends or the way an
    accent is composed makes a difference."""
    return json.dumps(_canonicalize(answer), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def answers_match(one: Any, other: Any) -> bool:
    return canonical_key(one) == canonical_key(other)


def is_storable(value: Any) -> bool:
    """Whether PostgreSQL can keep it: no NUL and no half of a surrogate pair anywhere, no NaN, no infinity."""
    if isinstance(value, str):
        return not _UNSTORABLE_CHARACTERS.search(value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(is_storable(name) and is_storable(part) for name, part in value.items())
    if isinstance(value, list):
        return all(is_storable(part) for part in value)
    return True


def _validate_answers(listed: list[Any]) -> list[str]:
    if not listed:
        raise _invalid("/answers", _("A queue needs at least one answer, or a JSON schema."))
    if len(listed) > MAX_ANSWERS:
        raise _invalid("/answers", _("A queue has at most %(most)s answers.") % {"most": MAX_ANSWERS})
    for place, answer in enumerate(listed):
        if not isinstance(answer, str) or not answer.strip() or len(answer) > MAX_ANSWER_LENGTH:
            raise _invalid(
                f"/answers/{place}",
                _("An answer is a text of 1 to %(most)s characters.") % {"most": MAX_ANSWER_LENGTH},
            )
        if canonical_key(answer) in {canonical_key(earlier) for earlier in listed[:place]}:
            raise _invalid(f"/answers/{place}", _("The answer %(answer)r is there twice.") % {"answer": answer})
    return listed


def _validate_schema(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if schema.get("type") != "object":
        raise _invalid("/schema", _('The JSON schema must describe an object: "type": "object".'))
    try:
        jsonschema.Draft202012Validator.check_schema(dict(schema))
    except jsonschema.SchemaError as error:
        raise _invalid("/schema" + json_pointer.format_pointer(error.absolute_path), error.message) from error
    return schema


def _normalize_label(answer: Any, to: AnswerSpec, pointer: str) -> str:
    if not isinstance(answer, str) or answer not in to.answers:
        raise _invalid(pointer, _("This is not one of the possible answers."))
    return answer


def _normalize_labels(answer: Any, to: AnswerSpec, pointer: str) -> list[str]:
    if not isinstance(answer, list):
        raise _invalid(pointer, _("The answer is a list of labels."))
    for place, label in enumerate(answer):
        _normalize_label(label, to, f"{pointer}/{place}")
    return [label for label in to.answers if label in answer]


def _normalize_structured(answer: Any, to: AnswerSpec, pointer: str) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise _invalid(pointer, _("The answer is a JSON object."))
    if not is_storable(answer):
        raise _invalid(pointer, _("The answer has characters or numbers that are none."))
    try:
        failures = list(_validator(json.dumps(to.schema, sort_keys=True)).iter_errors(answer))
    except Unresolvable as error:
        raise _invalid(pointer, _("The queue's JSON schema refers to something outside itself.")) from error
    if failures:
        raise Invalid(
            _("The answer does not fit the queue's form."),
            [error for one in failures for error in validation_errors.describe_failure(one, pointer)],
        )
    return answer


@lru_cache(maxsize=256)
def _validator(schema: str) -> Validator:
    # A registry of its own, so that a `$ref` to some address is refused and never fetched.
    return jsonschema.Draft202012Validator(json.loads(schema), registry=Registry())


def _canonicalize(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value).strip()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {str(name): _canonicalize(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_canonicalize(part) for part in value]
    return value


def _invalid(pointer: str, detail: str) -> Invalid:
    return Invalid(detail, [{"pointer": pointer, "detail": detail}])
