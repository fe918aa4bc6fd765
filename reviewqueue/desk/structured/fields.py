"""What a structured answer is filled in with: single fields, groups of them, and lines. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import quote

from reviewqueue.content import invisible

type Control = Literal["line", "long", "number", "date", "choice"]
type Options = Sequence[tuple[str, str]]

NEW = "NEW"  # stands for the place of a line that is yet to be added


@dataclass(frozen=True)
class Field:
    """One value to fill in. `closed`: sure, so it is shown as text until all fields are asked for.

    `proposed` is the AI's value as the field shows it, None while that is not told.
    """

    pointer: str
    name: str
    label: str
    kind: Control
    value: str
    options: Options = ()
    hint: str = ""
    doubt: float | None = None
    required: bool = False
    closed: bool = False
    proposed: str | None = None
    error: str = ""

    template = "reviewqueue/desk/field.html"

    @property
    def id(self) -> str:
        return "at-" + quote(self.pointer, safe="/~")

    @property
    def code(self) -> bool:
        return self.kind == "long" and self.name.startswith(("json/", "whole"))

    @property
    def hides(self) -> bool:
        """Whether some of its characters cannot be seen."""
        return any(piece.hidden for piece in invisible.pieces(self.value))

    @property
    def changed(self) -> bool:
        return self.proposed is not None and self.proposed != self.value

    @property
    def shown(self) -> str:
        return self._in_words(self.value)

    @property
    def proposed_shown(self) -> str:
        return self._in_words(self.proposed or "")

    def _in_words(self, value: str) -> str:
        return dict(self.options).get(value, value) if value else "–"  # noqa: RUF001 - nothing is there


@dataclass(frozen=True)
class Group:
    """Fields that belong together: an object inside the answer."""

    pointer: str
    name: str
    label: str
    hint: str
    parts: Sequence[Part]
    error: str = ""

    template = "reviewqueue/desk/field_group.html"


@dataclass(frozen=True)
class Lines:
    """A list, one line for each entry; `spare` is an empty line to add, `proposed` the AI's lines once told."""

    pointer: str
    name: str
    label: str
    hint: str
    columns: Sequence[str]
    lines: Sequence[Sequence[Field]]
    spare: Sequence[Field]
    proposed: Sequence[Sequence[Field]] | None
    least: int
    most: int
    error: str = ""

    template = "reviewqueue/desk/field_lines.html"

    @property
    def id(self) -> str:
        return "at-" + quote(self.pointer, safe="/~")

    @property
    def another(self) -> Sequence[Field]:
        """An empty line after the last, for pages that cannot add one."""
        return [self._moved(cell, len(self.lines)) for cell in self.spare] if len(self.lines) < self.most else []

    @property
    def resized(self) -> bool:
        return self.proposed is not None and len(self.proposed) != len(self.lines)

    def _moved(self, cell: Field, place: int) -> Field:
        reader = cell.name.removesuffix(cell.pointer)
        pointer = f"{self.pointer}/{place}" + cell.pointer.removeprefix(f"{self.pointer}/{NEW}")
        return replace(cell, pointer=pointer, name=reader + pointer)


type Part = Field | Group | Lines


@dataclass(frozen=True)
class Typed:
    """What a person had filled in when it was refused: texts by name, and what is wrong by pointer."""

    texts: Mapping[str, str] = field(default_factory=dict)
    ticked: Sequence[str] = ()
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Form:
    """The parts of an answer in the schema's order."""

    parts: Sequence[Part]

    @property
    def size(self) -> int:
        """How many fields there are."""
        return sum(1 for part in self.parts for _ in _flat(part))

    @property
    def closed(self) -> int:
        """How many fields are there to read only."""
        return sum(one.closed for part in self.parts for one in _flat(part))


def _flat(part: Part) -> Iterator[Field]:
    match part:
        case Field():
            yield part
        case Group():
            for inner in part.parts:
                yield from _flat(inner)
        case Lines():
            for line in part.lines:
                yield from line
