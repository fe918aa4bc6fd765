"""The parts of a structured answer's form: fields, groups and lists of lines. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import quote

from reviewqueue.content import invisible

type ControlKind = Literal["line", "long", "number", "date", "choice"]
type FieldOptions = Sequence[tuple[str, str]]

LOW_CONFIDENCE_BELOW = 0.8  # fields with a lower AI confidence are highlighted
NEW_LINE_INDEX = "NEW"  # stands for the index of a line that is not added yet


@dataclass(frozen=True)
class AnswerField:
    """One value to fill in.

    `collapsed`: the AI is confident of it, so it is shown as text until the reviewer asks for all fields. `proposed`
    is the AI's value as the field shows it, None while the proposal is hidden. `confidence`: of the AI in it, where it
    is a reason to look at the field.
    """

    pointer: str
    name: str
    label: str
    kind: ControlKind
    value: str
    options: FieldOptions = ()
    hint: str = ""
    confidence: float | None = None
    required: bool = False
    collapsed: bool = False
    proposed: str | None = None
    error: str = ""

    template = "reviewqueue/desk/field.html"

    @property
    def id(self) -> str:
        return "at-" + quote(self.pointer, safe="/~")

    @property
    def is_json(self) -> bool:
        return self.kind == "long" and self.name.startswith(("json/", "whole"))

    @property
    def has_hidden_characters(self) -> bool:
        """Whether the value has invisible characters."""
        return any(piece.hidden for piece in invisible.split_into_pieces(self.value))

    @property
    def has_low_confidence(self) -> bool:
        return self.confidence is not None and self.confidence < LOW_CONFIDENCE_BELOW

    @property
    def changed(self) -> bool:
        return self.proposed is not None and self.proposed != self.value

    @property
    def display_value(self) -> str:
        return self._option_text(self.value)

    @property
    def display_proposed(self) -> str:
        return self._option_text(self.proposed or "")

    def _option_text(self, value: str) -> str:
        return dict(self.options).get(value, value) if value else "–"  # noqa: RUF001 - stands for an empty value


@dataclass(frozen=True)
class FieldGroup:
    """Fields that belong together: an object inside the answer."""

    pointer: str
    name: str
    label: str
    hint: str
    parts: Sequence[FormPart]
    error: str = ""

    template = "reviewqueue/desk/field_group.html"


@dataclass(frozen=True)
class FieldLines:
    """A list with one line for each entry.

    `spare` is an empty line to add; `proposed` the AI's lines, None while the proposal is hidden.
    """

    pointer: str
    name: str
    label: str
    hint: str
    columns: Sequence[str]
    lines: Sequence[Sequence[AnswerField]]
    spare: Sequence[AnswerField]
    proposed: Sequence[Sequence[AnswerField]] | None
    min_lines: int
    max_lines: int
    error: str = ""

    template = "reviewqueue/desk/field_lines.html"

    @property
    def id(self) -> str:
        return "at-" + quote(self.pointer, safe="/~")

    @property
    def blank_line(self) -> Sequence[AnswerField]:
        """An empty line after the last one, for pages without JavaScript."""
        return (
            [self._move_cell(cell, len(self.lines)) for cell in self.spare] if len(self.lines) < self.max_lines else []
        )

    @property
    def resized(self) -> bool:
        return self.proposed is not None and len(self.proposed) != len(self.lines)

    def _move_cell(self, cell: AnswerField, place: int) -> AnswerField:
        reader = cell.name.removesuffix(cell.pointer)
        pointer = f"{self.pointer}/{place}" + cell.pointer.removeprefix(f"{self.pointer}/{NEW_LINE_INDEX}")
        return replace(cell, pointer=pointer, name=reader + pointer)


type FormPart = AnswerField | FieldGroup | FieldLines


@dataclass(frozen=True)
class TypedInput:
    """The input of a refused form: texts by field name, ticked answers, and errors by pointer."""

    texts: Mapping[str, str] = field(default_factory=dict)
    ticked: Sequence[str] = ()
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StructuredForm:
    """The parts of an answer in the schema's order."""

    parts: Sequence[FormPart]

    @property
    def field_count(self) -> int:
        """The number of fields, including those in groups and lines."""
        return sum(1 for part in self.parts for _ in _iterate_fields(part))

    @property
    def collapsed_count(self) -> int:
        """The number of collapsed fields."""
        return sum(one.collapsed for part in self.parts for one in _iterate_fields(part))


def _iterate_fields(part: FormPart) -> Iterator[AnswerField]:
    match part:
        case AnswerField():
            yield part
        case FieldGroup():
            for inner in part.parts:
                yield from _iterate_fields(inner)
        case FieldLines():
            for line in part.lines:
                yield from line
