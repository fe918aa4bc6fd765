"""Which answers a queue allows, and when two answers are equal. Pure."""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any

import jsonschema
from django.utils.translation import gettext as _
from referencing.exceptions import Unresolvable

from reviewqueue.answers import fields, schema_limits, schema_validator, validation_errors
from reviewqueue.answers.fields import AnswerField
from reviewqueue.answers.patterns import UnsupportedPattern
from reviewqueue.kernel import choices, json_pointer, sent_json
from reviewqueue.kernel.errors import Invalid

LABEL = "label"
LABELS = "labels"
STRUCTURED = "structured"

# What an error in a set of labels is: an output whose set differs at all, or each label that was missed or invented.
OUTPUT_UNIT = "output"
LABEL_UNIT = "label"

MAX_ANSWERS = 1000
MAX_ANSWER_LENGTH = 200
_MANY_DIGITS = Context(prec=10_000)
_UNSTORABLE_CHARACTERS = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True)
class AnswerSpec:
    """The possible answers: `label` is one of `answers`, `labels` any of them, `structured` satisfies `schema`.

    `error_unit` is `output`, or `label` where each missed and each invented label of a set is an error of its own.
    """

    kind: str
    answers: Sequence[str] = ()
    schema: Mapping[str, Any] | None = field(default=None)
    error_unit: str = OUTPUT_UNIT

    @property
    def has_label_errors(self) -> bool:
        """Whether errors are counted label by label."""
        return self.error_unit == LABEL_UNIT

    @functools.cached_property
    def fields(self) -> tuple[AnswerField, ...]:
        """The fields of structured answers; none of other answers."""
        return fields.list_fields(self.schema) if self.schema is not None else ()


def build_answer_spec(
    *, answers: Iterable[str] | None, multiple: bool, schema: Mapping[str, Any] | None, error_unit: str = OUTPUT_UNIT
) -> AnswerSpec:
    """The answer spec for a queue's settings. Raises Invalid when they are wrong or contradict each other."""
    listed = list(answers or ())
    if error_unit != OUTPUT_UNIT and not multiple:
        raise _invalid("/error_unit", _("Errors are counted by answer only where several can be right at once."))
    if schema is not None:
        if listed or multiple:
            raise _invalid("/schema", _("Set either a list of answers or a JSON schema, not both."))
        return AnswerSpec(kind=STRUCTURED, schema=_validate_schema(schema))
    return AnswerSpec(kind=LABELS if multiple else LABEL, answers=_validate_answers(listed), error_unit=error_unit)


def normalize_answer(answer: Any, to: AnswerSpec, *, pointer: str = "/answer") -> Any:
    """The answer as stored: labels deduplicated and in schema order, everything else unchanged.

    Raises Invalid, with a pointer below `pointer`, when the spec does not allow the answer.
    """
    if to.kind == LABEL:
        return _normalize_label(answer, to, pointer)
    if to.kind == LABELS:
        return _normalize_labels(answer, to, pointer)
    return _normalize_structured(answer, to, pointer)


def canonical_key(answer: Any) -> str:
    """A string that is the same for answers that mean the same.

    Ignores the order of fields, 1 versus 1.0, leading and trailing white space, and Unicode composition (NFC).
    """
    return sent_json.encode_sent(_canonicalize(answer), sort_keys=True)


def exact_key(answer: Any) -> str:
    """A string that is the same for answers that are written the same, to the last character and digit.

    Ignores the order of fields only.
    """
    return sent_json.encode_sent(answer, sort_keys=True)


def answers_match(one: Any, other: Any) -> bool:
    """Whether two answers mean the same. This judges errors and agreement; it never replaces one by the other."""
    return canonical_key(one) == canonical_key(other)


def is_same_answer(one: Any, other: Any) -> bool:
    """Whether two answers are written the same. Only then may one be stored and delivered for the other."""
    return exact_key(one) == exact_key(other)


def is_storable(value: Any) -> bool:
    """Whether PostgreSQL can store the value: no NUL or lone surrogate in any string, no NaN, no infinity."""
    if isinstance(value, str):
        return not _UNSTORABLE_CHARACTERS.search(value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(is_storable(name) and is_storable(part) for name, part in value.items())
    if isinstance(value, list):
        return all(is_storable(part) for part in value)
    return True


def canonicalize_number(number: float) -> int | float:
    """By its digits, not by the double: 9007199254740993.0 is not 9007199254740992."""
    digits = Decimal(repr(number))
    if not digits.is_finite():
        return number
    if digits == digits.to_integral_value():
        return int(digits)
    return sent_json.parse_float(str(digits.normalize(_MANY_DIGITS)))


def _validate_answers(listed: list[Any]) -> list[str]:
    if not listed:
        raise _invalid("/answers", _("A queue needs at least one answer, or a JSON schema."))
    if len(listed) > MAX_ANSWERS:
        raise _invalid("/answers", _("A queue can have at most %(most)s answers.") % {"most": MAX_ANSWERS})
    seen: set[str] = set()
    for place, answer in enumerate(listed):
        if not isinstance(answer, str) or not answer.strip() or len(answer) > MAX_ANSWER_LENGTH:
            raise _invalid(
                f"/answers/{place}",
                _("An answer must be text of 1 to %(most)s characters.") % {"most": MAX_ANSWER_LENGTH},
            )
        if (key := canonical_key(answer)) in seen:
            raise _invalid(f"/answers/{place}", _("The answer %(answer)r is listed twice.") % {"answer": answer})
        seen.add(key)
    return listed


def _validate_schema(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if schema.get("type") != "object":
        raise _invalid("/schema", _('The JSON schema must describe an object: "type": "object".'))
    schema_limits.check_limits(schema)
    try:
        # Without the check of formats, which would compile the patterns with another engine than ours.
        jsonschema.Draft202012Validator.check_schema(dict(schema), format_checker=jsonschema.FormatChecker(formats=()))
    except jsonschema.SchemaError as error:
        raise _invalid("/schema" + json_pointer.format_pointer(error.absolute_path), error.message) from error
    return schema


def _normalize_label(answer: Any, to: AnswerSpec, pointer: str) -> str:
    if not isinstance(answer, str) or answer not in to.answers:
        raise _invalid(
            pointer,
            _("This must be one of the answers %(answers)s (%(mismatch)s).")
            % {"answers": choices.list_choices(to.answers), "mismatch": choices.describe_mismatch(answer, to.answers)},
        )
    return answer


def _normalize_labels(answer: Any, to: AnswerSpec, pointer: str) -> list[str]:
    if not isinstance(answer, list):
        raise _invalid(
            pointer,
            _("The answer must be a list of labels (got %(value)s).") % {"value": choices.describe_value(answer)},
        )
    known, chosen = frozenset(to.answers), set()
    for place, label in enumerate(answer):
        if not isinstance(label, str) or label not in known:
            _normalize_label(label, to, f"{pointer}/{place}")  # which refuses it
        chosen.add(label)
    return [label for label in to.answers if label in chosen]


def _normalize_structured(answer: Any, to: AnswerSpec, pointer: str) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise _invalid(
            pointer, _("The answer must be a JSON object (got %(value)s).") % {"value": choices.describe_value(answer)}
        )
    if not is_storable(answer):
        raise _invalid(pointer, _("The answer contains invalid characters or numbers. Remove them and try again."))
    try:
        failures = schema_validator.find_failures(to.schema or {}, answer)
    except Unresolvable as error:
        raise _invalid(pointer, _("The queue's JSON schema has a reference outside itself.")) from error
    except schema_validator.OutOfBudget as error:
        raise _invalid(pointer, _("This answer is too large to check against the queue's JSON schema.")) from error
    except UnsupportedPattern as error:
        raise _invalid(
            pointer,
            _(
                "The queue's JSON schema has a pattern that is not supported (%(pattern)s: %(reason)s). "
                "Ask a manager to change the schema."
            )
            % {"pattern": error.pattern, "reason": error.reason},
        ) from error
    if failures:
        raise Invalid(
            _("The answer does not match the queue's schema."),
            [error for one in failures for error in validation_errors.describe_failure(one, pointer)],
        )
    return answer


def _canonicalize(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value).strip()
    if isinstance(value, float):
        return canonicalize_number(value)
    if isinstance(value, Mapping):
        return {str(name): _canonicalize(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_canonicalize(part) for part in value]
    return value


def _invalid(pointer: str, detail: str) -> Invalid:
    return Invalid(detail, [{"pointer": pointer, "detail": detail}])
