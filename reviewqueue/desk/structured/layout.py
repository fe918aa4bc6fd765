"""Lays out a structured answer as the fields of a form, from its JSON schema. Pure.

Where the AI's confidence per field is known, only low-confidence fields are open; the others are shown as text and sent
unchanged. Where a review asks for some fields only, the form has these, and all of them are open.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from reviewqueue.answers import json_schema, partial
from reviewqueue.answers.json_schema import FieldShape
from reviewqueue.answers.partial import AskedFields
from reviewqueue.answers.schema import exact_key
from reviewqueue.content import invisible
from reviewqueue.desk.structured import codec
from reviewqueue.desk.structured.codec import ABSENT
from reviewqueue.desk.structured.fields import (
    LOW_CONFIDENCE_BELOW,
    NEW_LINE_INDEX,
    AnswerField,
    ControlKind,
    FieldGroup,
    FieldLines,
    FieldOptions,
    FormPart,
    StructuredForm,
    TypedInput,
)
from reviewqueue.kernel.json_pointer import split_pointer
from reviewqueue.verdicts import wording

MAX_LINE_CHARACTERS = 60  # longer texts get a textarea
MAX_GROUP_LEVELS = 3  # nesting of groups; deeper values are edited as JSON
MAX_LIST_CELLS = 240  # fields in one list
MAX_FORM_FIELDS = 600  # fields in a form: all are sent with every answer, and the size of a request is limited
# Fields built in one attempt, including the AI's lines and lists that turn out not to fit into lines.
MAX_BUILT_FIELDS = 4 * MAX_FORM_FIELDS


def build_form(
    *,
    schema: Mapping[str, Any],
    start: Any,
    proposed: Any,
    hints: Mapping[str, float],
    typed: TypedInput | None = None,
    asked: AskedFields = None,
) -> StructuredForm:
    """A field for each property of the schema and for each member of the answer that the schema leaves open.

    `start` holds the initial values. `proposed` is ABSENT and `hints` (AI confidence by pointer) are empty while the
    proposal is hidden. `asked`: the fields to give, all of them open; None for the whole answer.
    """
    start, proposed = partial.narrow(start, asked), partial.narrow(proposed, asked)
    whole = json_schema.parse_shape(schema, schema)
    values = start if isinstance(start, Mapping) else {}
    told = proposed if isinstance(proposed, Mapping) else ABSENT
    named = {*whole.required, *whole.properties, *values, *_members_of(told)}
    about = {pointer: share for pointer, share in hints.items() if named & set(split_pointer(pointer)[:1])}
    if not all(map(codec.is_valid_member_name, named)):
        return StructuredForm([_whole_answer_field(values, typed or TypedInput())])
    for with_lines in (True, False):
        layout = _FormBuilder(
            schema,
            about,
            typed or TypedInput(),
            shows_proposal=proposed is not ABSENT,
            with_lines=with_lines,
            asked=asked,
        )
        try:
            form = StructuredForm(list(layout.build_members("", whole, values, told, depth=0)))
        except _TooManyFieldsError:
            continue
        if form.parts and form.field_count <= MAX_FORM_FIELDS:
            return form
    return StructuredForm([_whole_answer_field(values, typed or TypedInput())])


def _whole_answer_field(values: Mapping[str, Any], typed: TypedInput) -> AnswerField:
    """The answer as one JSON text, for answers with no fields or too many."""
    text = typed.texts.get("whole", codec.format_value("json", values) if values else "")
    return AnswerField("", "whole", _("Answer"), "long", text, hint=_("A JSON object"), error=typed.errors.get("", ""))


class _TooManyFieldsError(Exception):
    """The form has too many fields; raised before all of them are built."""


@dataclass(frozen=True)
class _FormBuilder:
    root: Mapping[str, Any]
    hints: Mapping[str, float]
    typed: TypedInput
    shows_proposal: bool
    with_lines: bool
    asked: AskedFields
    built: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def build_members(
        self, pointer: str, shape: FieldShape, value: Any, proposed: Any, *, depth: int
    ) -> Iterator[FormPart]:
        values, told = _members_of(value), _members_of(proposed)
        for name in dict.fromkeys([*shape.properties, *shape.required, *values, *told]):
            at, schema = codec.extend_pointer(pointer, name), shape.properties.get(name)
            if not partial.is_asked(at, self.asked):
                continue
            yield self._build_part(
                at,
                json_schema.parse_shape(schema, self.root),
                values.get(name, ABSENT),
                told.get(name, ABSENT),
                name=name,
                required=name in shape.required,
                depth=depth,
            )

    def _build_part(
        self, at: str, shape: FieldShape, value: Any, proposed: Any, *, name: str, required: bool, depth: int
    ) -> FormPart:
        if shape.kind == "group" and depth < MAX_GROUP_LEVELS and _is_group(shape, value, proposed):
            return self._build_group(at, shape, value, proposed, name=name, depth=depth)
        if shape.kind == "list" and self.with_lines and _all_are(list, value, proposed):
            lines = self._build_lines(at, shape, value, proposed, name=name)
            if lines is not None:
                return lines
        return self._build_field(at, shape, value, proposed, label=label_for(shape, name), required=required)

    def _build_group(
        self, at: str, shape: FieldShape, value: Any, proposed: Any, *, name: str, depth: int
    ) -> FieldGroup:
        return FieldGroup(
            pointer=at,
            name=codec.build_field_name("group", at, _container_empty_meaning(value)),
            label=label_for(shape, name),
            hint=_hint_for(shape),
            parts=list(self.build_members(at, shape, value, proposed, depth=depth + 1)),
            error=self.typed.errors.get(at, ""),
        )

    def _build_lines(self, at: str, shape: FieldShape, value: Any, proposed: Any, *, name: str) -> FieldLines | None:
        """The list as lines of fields; None if an entry does not fit into a line."""
        item = json_schema.parse_shape(shape.rules["items"], self.root)
        told = list(proposed) if isinstance(proposed, list) else []
        held = list(value) if isinstance(value, list) else []
        if self.typed.texts:
            count = codec.count_list_entries(self.typed.texts, at)
            held = (held + [ABSENT] * count)[:count]
        as_told = replace(self, typed=TypedInput())
        spare = as_told._build_line(at, NEW_LINE_INDEX, item, ABSENT, ABSENT)
        if spare is None or max(1, len(spare)) * max(len(held), len(told)) > MAX_LIST_CELLS:
            return None
        lines = [self._build_line(at, place, item, one, _entry_at(told, place)) for place, one in enumerate(held)]
        theirs = [as_told._build_line(at, place, item, one, one) for place, one in enumerate(told)]
        if any(line is None for line in (*lines, *theirs)):
            return None
        return FieldLines(
            pointer=at,
            name=codec.build_field_name("list", at, _container_empty_meaning(value)),
            label=label_for(shape, name),
            hint=_hint_for(shape),
            columns=[cell.label for cell in spare],
            lines=[line for line in lines if line],
            spare=[replace(cell, proposed=None, collapsed=False) for cell in spare],
            proposed=[line for line in theirs if line] if self.shows_proposal else None,
            min_lines=_rule_limit(shape, "minItems", 0),
            max_lines=_rule_limit(shape, "maxItems", MAX_LIST_CELLS // max(1, len(spare))),
            error=self.typed.errors.get(at, ""),
        )

    def _build_line(
        self, at: str, place: int | str, item: FieldShape, value: Any, proposed: Any
    ) -> list[AnswerField] | None:
        """The fields of one entry, None if it does not fit into a line."""
        here = codec.extend_pointer(at, place)
        if item.kind != "group":
            cell = self._build_field(here, item, value, proposed, label=label_for(item, _("Value")), required=False)
            return None if cell.is_json or value in ("", None) else [cell]
        if value is not ABSENT and (not isinstance(value, Mapping) or set(value) - set(item.properties)):
            return None
        told = proposed if isinstance(proposed, Mapping) else ABSENT
        if not _is_group(item, value, told):
            return None
        cells = _flatten_parts(list(self.build_members(here, item, value, told, depth=0)))
        empty = cells is not None and value is not ABSENT and not any(cell.value for cell in cells)
        return None if empty else cells

    def _build_field(
        self, at: str, shape: FieldShape, value: Any, proposed: Any, *, label: str, required: bool
    ) -> AnswerField:
        if next(self.built) > MAX_BUILT_FIELDS:
            raise _TooManyFieldsError
        reader, kind, options = _choose_control(shape, value, proposed)
        name = codec.build_field_name(
            reader, at, "" if kind == "long" and reader == "json" else _empty_meaning(shape, value, required)
        )
        laid = AnswerField(
            pointer=at,
            name=name,
            label=label,
            kind=kind,
            value=self.typed.texts.get(name, codec.format_value(reader, value)).replace("\r\n", "\n"),
            options=options,
            hint=_hint_for(shape),
            confidence=self._find_confidence(at),
            required=required and not shape.nullable,
            proposed=codec.format_value(reader, proposed) if self.shows_proposal else None,
            error=self.typed.errors.get(at, ""),
        )
        return replace(laid, collapsed=bool(self.hints) and self.asked is None and _is_collapsible(laid))

    def _find_confidence(self, pointer: str) -> float | None:
        """The AI's confidence in a value or its container if it is low or the value is asked for, else None."""
        while pointer and pointer not in self.hints:
            pointer = pointer.rpartition("/")[0]
        share = self.hints.get(pointer) if pointer else None
        return share if share is not None and (self.asked is not None or share < LOW_CONFIDENCE_BELOW) else None


def _flatten_parts(parts: Sequence[FormPart]) -> list[AnswerField] | None:
    """The fields of an entry and of the objects in it, side by side; None if one does not fit into a line.

    In a line, an object exists because one of its fields is filled in, so null and an empty object do not fit.
    """
    cells: list[AnswerField] = []
    for part in parts:
        match part:
            case AnswerField(is_json=False):
                cells.append(part)
            case FieldGroup():
                inner = _flatten_parts(part.parts)
                is_there = not part.name.startswith("group/")
                if inner is None or (is_there and not any(cell.value for cell in inner)):
                    return None
                cells.extend(replace(cell, label=f"{part.label}: {cell.label}") for cell in inner)
            case _:
                return None
    return cells


def _is_collapsible(laid: AnswerField) -> bool:
    missing = laid.required and not laid.value
    return laid.confidence is None and not (laid.error or laid.changed or missing)


def _choose_control(shape: FieldShape, value: Any, proposed: Any) -> tuple[codec.FieldType, ControlKind, FieldOptions]:
    """How a value is parsed and shown: as the schema says, or as JSON if the value is of another kind."""
    if shape.kind == "choice":
        return _choice_control(shape, value, proposed)
    if shape.kind == "flag" and _all_are(bool, value, proposed):
        return "flag", "choice", [("true", _("yes")), ("false", _("no"))]
    if shape.kind == "number" and _all_are((int, float), value, proposed) and not _any_are(bool, value, proposed):
        return "number", "number", ()
    if shape.kind == "date" and all(one is ABSENT or one is None or codec.is_date(one) for one in (value, proposed)):
        return "date", "date", ()
    texts = [one for one in (value, proposed) if isinstance(one, str)]
    if shape.kind == "open" and not texts:
        return "json", "long", ()
    if (
        shape.kind in {"text", "date", "open"}
        and _all_are(str, value, proposed)
        and all(map(codec.is_lossless_text, texts))
    ):
        return "text", "long" if any(len(one) > MAX_LINE_CHARACTERS or "\n" in one for one in texts) else "line", ()
    return "json", "long", ()


def _choice_control(shape: FieldShape, value: Any, proposed: Any) -> tuple[codec.FieldType, ControlKind, FieldOptions]:
    """A choice of the listed values and of the present ones, even if those are not listed."""
    present = [one for one in (value, proposed) if one is not ABSENT and one is not None]
    listed = list({exact_key(one): one for one in [*shape.options, *present]}.values())
    if all(isinstance(one, str) and one and codec.is_lossless_text(one) for one in listed):
        return "text", "choice", [(one, _option_text(one)) for one in listed]
    return "json", "choice", [(codec.format_value("json", one), _option_text(one)) for one in listed]


def _option_text(value: Any) -> str:
    """An option as the schema writes it, so that no two look the same: `usd`, not `Usd`.

    Options hold no markup, so invisible characters are shown as their codes.
    """
    text = value if isinstance(value, str) else wording.format_answer(value)
    return "".join(piece.text for piece in invisible.split_into_pieces(text))


def _empty_meaning(shape: FieldShape, value: Any, required: bool) -> codec.EmptyMeaning:
    """What an empty field means: its previous empty value, else null if that is allowed, else no value."""
    if value == "":
        return ".empty"
    if value is None and not shape.nullable:
        return ".null"
    return ".null" if shape.nullable and (required or value is not ABSENT) else ""


def _container_empty_meaning(value: Any) -> codec.EmptyMeaning:
    if value is ABSENT:
        return ""
    return ".null" if value is None else ".empty"


def _all_are(kind: type | tuple[type, ...], *values: Any) -> bool:
    return all(value is ABSENT or value is None or isinstance(value, kind) for value in values)


def _is_group(shape: FieldShape, *values: Any) -> bool:
    """Whether the values are objects whose members can all have fields."""
    names = [*shape.properties, *shape.required, *(name for value in values for name in _members_of(value))]
    return _all_are(Mapping, *values) and all(map(codec.is_valid_member_name, names))


def _any_are(kind: type, *values: Any) -> bool:
    return any(isinstance(value, kind) for value in values)


def _members_of(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _entry_at(values: Sequence[Any], place: int) -> Any:
    return values[place] if place < len(values) else ABSENT


def label_for(shape: FieldShape, name: str) -> str:
    """What a field is called: its title, else its name in words."""
    return str(shape.rules.get("title") or wording.format_answer(name))


def _hint_for(shape: FieldShape) -> str:
    """The schema's description of a part, else its bounds."""
    if shape.rules.get("description"):
        return str(shape.rules["description"])
    least, most = shape.rules.get("minimum"), shape.rules.get("maximum")
    if shape.kind == "number" and least is not None and most is not None:
        return _("From %(least)s to %(most)s") % {"least": least, "most": most}
    return ""


def _rule_limit(shape: FieldShape, rule: str, otherwise: int) -> int:
    limit = shape.rules.get(rule, otherwise)
    return int(limit) if isinstance(limit, int | float) else otherwise
