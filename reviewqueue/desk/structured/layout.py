"""A structured answer laid out as the fields of a form, from its JSON schema. Pure.

Where the AI's doubts are known, only what is doubtful is open; the rest stands there to read, and is sent as it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from reviewqueue.answers import json_schema
from reviewqueue.answers.json_schema import Shape
from reviewqueue.answers.schema import key
from reviewqueue.content import invisible
from reviewqueue.desk.structured import codec
from reviewqueue.desk.structured.codec import ABSENT
from reviewqueue.desk.structured.fields import NEW, Control, Field, Form, Group, Lines, Options, Part, Typed
from reviewqueue.verdicts import wording

DOUBTFUL = 0.8  # a field that the AI was less sure of than this is pointed out
LONG = 60  # characters that still fit on a line
MAX_DEPTH = 3  # groups in groups; below that it is JSON
MAX_CELLS = 240  # of one list
MAX_FIELDS = 600  # of a form; what is posted has its limits, and the whole form goes along with every answer
MAX_BUILT = 4 * MAX_FIELDS  # with the AI's lines beside a list's own, and lists that turn out not to be lines


def of(
    *, schema: Mapping[str, Any], start: Any, proposed: Any, hints: Mapping[str, float], typed: Typed | None = None
) -> Form:
    """A field for each property of the schema, and for each part of an answer that the schema leaves open.

    `start` is what they hold at first; `proposed` is ABSENT, and `hints` are empty, while the AI's answer is not told.
    """
    whole = json_schema.shape(schema, schema)
    values = start if isinstance(start, Mapping) else {}
    told = proposed if isinstance(proposed, Mapping) else ABSENT
    named = {*whole.required, *whole.properties, *values, *_members(told)}
    about = {pointer: share for pointer, share in hints.items() if named & set(codec.steps(pointer)[:1])}
    if not all(map(codec.is_nameable, named)):
        return Form([_as_json(values, typed or Typed())])
    for with_lines in (True, False):
        layout = _Layout(schema, about, typed or Typed(), is_told=proposed is not ABSENT, with_lines=with_lines)
        try:
            form = Form(list(layout.members("", whole, values, told, depth=0)))
        except _TooManyError:
            continue
        if form.parts and form.size <= MAX_FIELDS:
            return form
    return Form([_as_json(values, typed or Typed())])


def _as_json(values: Mapping[str, Any], typed: Typed) -> Field:
    """The answer as one text, where there are no fields for it or too many."""
    text = typed.texts.get("whole", codec.text("json", values) if values else "")
    return Field("", "whole", _("Answer"), "long", text, hint=_("A JSON object"), error=typed.errors.get("", ""))


class _TooManyError(Exception):
    """More fields than a form may have, before all of them are built."""


@dataclass(frozen=True)
class _Layout:
    root: Mapping[str, Any]
    hints: Mapping[str, float]
    typed: Typed
    is_told: bool
    with_lines: bool
    built: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def members(self, pointer: str, shape: Shape, value: Any, proposed: Any, *, depth: int) -> Iterator[Part]:
        values, told = _members(value), _members(proposed)
        for name in dict.fromkeys([*shape.properties, *shape.required, *values, *told]):
            at, schema = codec.below(pointer, name), shape.properties.get(name)
            yield self._part(
                at,
                json_schema.shape(schema, self.root),
                values.get(name, ABSENT),
                told.get(name, ABSENT),
                name=name,
                required=name in shape.required,
                depth=depth,
            )

    def _part(self, at: str, shape: Shape, value: Any, proposed: Any, *, name: str, required: bool, depth: int) -> Part:
        if shape.kind == "group" and depth < MAX_DEPTH and _is_group(shape, value, proposed):
            return self._group(at, shape, value, proposed, name=name, depth=depth)
        if shape.kind == "list" and self.with_lines and _is(list, value, proposed):
            lines = self._lines(at, shape, value, proposed, name=name)
            if lines is not None:
                return lines
        return self._field(at, shape, value, proposed, label=_label(shape, name), required=required)

    def _group(self, at: str, shape: Shape, value: Any, proposed: Any, *, name: str, depth: int) -> Group:
        return Group(
            pointer=at,
            name=codec.name("group", at, _blank_of(value)),
            label=_label(shape, name),
            hint=_hint(shape),
            parts=list(self.members(at, shape, value, proposed, depth=depth + 1)),
            error=self.typed.errors.get(at, ""),
        )

    def _lines(self, at: str, shape: Shape, value: Any, proposed: Any, *, name: str) -> Lines | None:
        """The list as lines of fields; None when an entry has a shape that no line can show."""
        item = json_schema.shape(shape.rules["items"], self.root)
        told = list(proposed) if isinstance(proposed, list) else []
        held = list(value) if isinstance(value, list) else []
        if self.typed.texts:
            count = codec.places(self.typed.texts, at)
            held = (held + [ABSENT] * count)[:count]
        as_told = replace(self, typed=Typed())
        spare = as_told._line(at, NEW, item, ABSENT, ABSENT)
        if spare is None or max(1, len(spare)) * max(len(held), len(told)) > MAX_CELLS:
            return None
        lines = [self._line(at, place, item, one, _place(told, place)) for place, one in enumerate(held)]
        theirs = [as_told._line(at, place, item, one, one) for place, one in enumerate(told)]
        if any(line is None for line in (*lines, *theirs)):
            return None
        return Lines(
            pointer=at,
            name=codec.name("list", at, _blank_of(value)),
            label=_label(shape, name),
            hint=_hint(shape),
            columns=[cell.label for cell in spare],
            lines=[line for line in lines if line],
            spare=[replace(cell, proposed=None, closed=False) for cell in spare],
            proposed=[line for line in theirs if line] if self.is_told else None,
            least=_limit(shape, "minItems", 0),
            most=_limit(shape, "maxItems", MAX_CELLS // max(1, len(spare))),
            error=self.typed.errors.get(at, ""),
        )

    def _line(self, at: str, place: int | str, item: Shape, value: Any, proposed: Any) -> list[Field] | None:
        """The fields of one entry, None when it is nothing that simple."""
        here = codec.below(at, place)
        if item.kind != "group":
            cell = self._field(here, item, value, proposed, label=_label(item, _("Value")), required=False)
            return None if cell.code or value in ("", None) else [cell]
        if value is not ABSENT and (not isinstance(value, Mapping) or set(value) - set(item.properties)):
            return None
        told = proposed if isinstance(proposed, Mapping) else ABSENT
        if not _is_group(item, value, told):
            return None
        parts = list(self.members(here, item, value, told, depth=0))
        cells = [part for part in parts if isinstance(part, Field) and not part.code]
        empty = value is not ABSENT and not any(cell.value for cell in cells)
        return None if empty or len(cells) < len(parts) else cells

    def _field(self, at: str, shape: Shape, value: Any, proposed: Any, *, label: str, required: bool) -> Field:
        if next(self.built) > MAX_BUILT:
            raise _TooManyError
        reader, kind, options = _control(shape, value, proposed)
        name = codec.name(reader, at, "" if kind == "long" and reader == "json" else _blank(shape, value, required))
        laid = Field(
            pointer=at,
            name=name,
            label=label,
            kind=kind,
            value=self.typed.texts.get(name, codec.text(reader, value)).replace("\r\n", "\n"),
            options=options,
            hint=_hint(shape),
            doubt=self._doubt(at),
            required=required and not shape.nullable,
            proposed=codec.text(reader, proposed) if self.is_told else None,
            error=self.typed.errors.get(at, ""),
        )
        return replace(laid, closed=bool(self.hints) and _is_settled(laid))

    def _doubt(self, pointer: str) -> float | None:
        """How sure the AI was of a value, or of what it is a part of; None when that is sure enough."""
        while pointer and pointer not in self.hints:
            pointer = pointer.rpartition("/")[0]
        share = self.hints.get(pointer) if pointer else None
        return share if share is not None and share < DOUBTFUL else None


def _is_settled(laid: Field) -> bool:
    missing = laid.required and not laid.value
    return laid.doubt is None and not (laid.error or laid.changed or missing)


def _control(shape: Shape, value: Any, proposed: Any) -> tuple[codec.Reader, Control, Options]:
    """How a value is read and shown: by what the schema asks for, or as JSON when the value is something else."""
    if shape.kind == "choice":
        return _choice(shape, value, proposed)
    if shape.kind == "flag" and _is(bool, value, proposed):
        return "flag", "choice", [("true", _("yes")), ("false", _("no"))]
    if shape.kind == "number" and _is((int, float), value, proposed) and not _any_is(bool, value, proposed):
        return "number", "number", ()
    if shape.kind == "date" and all(one is ABSENT or one is None or codec.is_date(one) for one in (value, proposed)):
        return "date", "date", ()
    texts = [one for one in (value, proposed) if isinstance(one, str)]
    if shape.kind == "open" and not texts:
        return "json", "long", ()
    if shape.kind in {"text", "date", "open"} and _is(str, value, proposed) and all(map(codec.is_plain, texts)):
        return "text", "long" if any(len(one) > LONG or "\n" in one for one in texts) else "line", ()
    return "json", "long", ()


def _choice(shape: Shape, value: Any, proposed: Any) -> tuple[codec.Reader, Control, Options]:
    """One of the listed values, and what stands there already even if it is not listed."""
    there = [one for one in (value, proposed) if one is not ABSENT and one is not None]
    listed = list({key(one): one for one in [*shape.options, *there]}.values())
    if all(isinstance(one, str) and one and codec.is_plain(one) for one in listed):
        return "text", "choice", [(one, _in_words(one)) for one in listed]
    return "json", "choice", [(codec.text("json", one), _in_words(one)) for one in listed]


def _in_words(value: Any) -> str:
    """An option holds text only: what cannot be seen in it stands as its code."""
    return "".join(piece.text for piece in invisible.pieces(wording.answer(value)))


def _blank(shape: Shape, value: Any, required: bool) -> codec.Blank:
    """What an empty field stands for: what it was before, else null where that is an answer, else nothing."""
    if value == "":
        return ".empty"
    if value is None and not shape.nullable:
        return ".null"
    return ".null" if shape.nullable and (required or value is not ABSENT) else ""


def _blank_of(value: Any) -> codec.Blank:
    if value is ABSENT:
        return ""
    return ".null" if value is None else ".empty"


def _is(kind: type | tuple[type, ...], *values: Any) -> bool:
    return all(value is ABSENT or value is None or isinstance(value, kind) for value in values)


def _is_group(shape: Shape, *values: Any) -> bool:
    """Whether they are objects whose members can all have fields."""
    names = [*shape.properties, *shape.required, *(name for value in values for name in _members(value))]
    return _is(Mapping, *values) and all(map(codec.is_nameable, names))


def _any_is(kind: type, *values: Any) -> bool:
    return any(isinstance(value, kind) for value in values)


def _members(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _place(values: Sequence[Any], place: int) -> Any:
    return values[place] if place < len(values) else ABSENT


def _label(shape: Shape, name: str) -> str:
    return str(shape.rules.get("title") or wording.answer(name))


def _hint(shape: Shape) -> str:
    """What the schema says about a part in words, else its bounds."""
    if shape.rules.get("description"):
        return str(shape.rules["description"])
    least, most = shape.rules.get("minimum"), shape.rules.get("maximum")
    if shape.kind == "number" and least is not None and most is not None:
        return _("From %(least)s to %(most)s") % {"least": least, "most": most}
    return ""


def _limit(shape: Shape, rule: str, otherwise: int) -> int:
    limit = shape.rules.get(rule, otherwise)
    return int(limit) if isinstance(limit, int | float) else otherwise
