"""When two values of a field are equal, as the schema of the answers states it. Pure.

A field states its equality with the keyword `x-equality`; a change of it is a change of the answers.

| `x-equality` | for | equal are |
|---|---|---|
| `text` (default) | text | the same text, whatever its case, white space and Unicode form |
| `exact` | text | the same characters |
| `day` (default of `format: date`) | text | dates and times of the same day, as written |
| `sequence` (default) | lists | the same items in the same order |
| `set` | lists | the same items in any order, however often |

Numbers are equal by value, and a field that is left out equals null.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from django.utils.translation import gettext as _

from reviewqueue.answers import fields, json_schema, schema
from reviewqueue.answers.fields import AnswerField
from reviewqueue.answers.json_schema import FieldShape, SchemaRules
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.kernel import sent_json
from reviewqueue.kernel.choices import guess_choice
from reviewqueue.kernel.errors import Invalid
from reviewqueue.kernel.json_pointer import format_pointer

KEYWORD: Final = "x-equality"
TEXT, EXACT, DAY, SEQUENCE, SET = "text", "exact", "day", "sequence", "set"
_OF_TEXT, _OF_LISTS = (TEXT, EXACT, DAY), (SEQUENCE, SET)
_BLANKS = re.compile(r"\s+")
_OPEN: Final = FieldShape("open", {})


def answers_match(one: Any, other: Any, form: AnswerSpec) -> bool:
    """Whether two answers mean the same, by the stated equality of each field if they have fields."""
    return build_meaning_key(one, form) == build_meaning_key(other, form)


def build_meaning_key(answer: Any, form: AnswerSpec) -> str:
    """A string that is the same for answers that mean the same."""
    if form.kind != schema.STRUCTURED:
        return schema.canonical_key(answer)
    root = form.schema or {}
    return _key(answer, json_schema.parse_shape(root, root), root)


def find_different_fields(one: Any, other: Any, form: AnswerSpec) -> dict[str, bool]:
    """For each field of the answers, by its JSON Pointer, whether the two have different values there."""
    return {
        field.pointer: build_field_key(one, field, form) != build_field_key(other, field, form) for field in form.fields
    }


def build_field_key(answer: Any, field: AnswerField, form: AnswerSpec) -> str:
    """A string that is the same for answers that have equal values in this field."""
    return _key(fields.find_value(answer, field.path), field.shape, form.schema or {})


def check_equalities(root: SchemaRules) -> None:
    """Raise Invalid, with a pointer below `/schema`, for an equality that does not exist or does not fit its field."""
    errors = [{"pointer": pointer, "detail": detail} for pointer, detail in _find_wrong_equalities(root, root, ())]
    if errors:
        raise Invalid(errors[0]["detail"], errors)


def _key(value: Any, shape: FieldShape, root: SchemaRules) -> str:
    return sent_json.encode_sent(_canonicalize(value, shape, root), sort_keys=True)


def _canonicalize(value: Any, shape: FieldShape, root: SchemaRules) -> Any:
    """The same value for values that are equal."""
    if isinstance(value, str):
        return _canonicalize_text(value, shape)
    if isinstance(value, float):
        return schema.canonicalize_number(value)
    if isinstance(value, Mapping):
        return _canonicalize_group(value, shape, root)
    if isinstance(value, list):
        return _canonicalize_list(value, shape, root)
    return value


def _canonicalize_text(text: str, shape: FieldShape) -> str:
    equality = shape.rules.get(KEYWORD, DAY if shape.kind == "date" else TEXT)
    if equality == EXACT:
        return text
    folded = _fold_text(text)
    return _day_of(folded) or folded if equality == DAY else folded


def _fold_text(text: str) -> str:
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _BLANKS.sub(" ", plain).strip()


def _day_of(text: str) -> str:
    """The day of an ISO 8601 date or time; empty if it is neither."""
    if len(text) > 10 and text[10] not in "t ":
        return ""
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        return ""


def _canonicalize_group(value: Mapping[str, Any], shape: FieldShape, root: SchemaRules) -> dict[str, Any] | None:
    """Without what is left out; a group of which everything is left out is left out itself."""
    parts = {
        name: _canonicalize(part, _shape_of(shape.properties.get(name), root), root) for name, part in value.items()
    }
    return {name: part for name, part in parts.items() if part is not None} or None


def _canonicalize_list(values: list[Any], shape: FieldShape, root: SchemaRules) -> list[Any]:
    of_item = _shape_of(shape.rules.get("items"), root)
    items = [_canonicalize(value, of_item, root) for value in values]
    if shape.rules.get(KEYWORD) != SET:
        return items
    distinct = {sent_json.encode_sent(item, sort_keys=True): item for item in items}
    return [distinct[key] for key in sorted(distinct)]


def _shape_of(rules: Any, root: SchemaRules) -> FieldShape:
    return _OPEN if rules is None else json_schema.parse_shape(rules, root)


def _find_wrong_equalities(part: Any, root: SchemaRules, path: tuple[Any, ...]) -> Iterator[tuple[str, str]]:
    """Where `x-equality` is wrong, and why; also in parts of the schema that no field uses."""
    if isinstance(part, Mapping):
        # A property may have this name: its rules are an object, which an equality is not.
        if not isinstance(part.get(KEYWORD), Mapping | None) and (detail := _explain_wrong_equality(part, root)):
            yield "/schema" + format_pointer([*path, KEYWORD]), detail
        for name, inner in part.items():
            if name not in {"enum", "const", "default", "examples"}:
                yield from _find_wrong_equalities(inner, root, (*path, name))
    elif isinstance(part, list):
        for place, inner in enumerate(part):
            yield from _find_wrong_equalities(inner, root, (*path, place))


def _explain_wrong_equality(rules: Mapping[str, Any], root: SchemaRules) -> str:
    equality = rules[KEYWORD]
    kind = json_schema.parse_shape(rules, root).kind
    allowed = _OF_LISTS if kind == "list" else _OF_TEXT if kind in {"text", "date", "choice"} else ()
    if equality in allowed:
        return ""
    if not allowed:
        return _("Only text and lists can have an equality of their own. Remove it.")
    similar = guess_choice(str(equality), allowed)
    hint = _(" Did you mean “%(similar)s”?") % {"similar": similar} if similar else ""
    known = ", ".join(f"“{one}”" for one in allowed)
    return (
        _("The equality of this field must be one of %(known)s, not “%(value)s”.")
        % {
            "known": known,
            "value": equality,
        }
        + hint
    )
