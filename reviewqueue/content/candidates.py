"""Answers to choose between, side by side, with the words marked in which two of them differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reviewqueue.content import differences, fields, limits
from reviewqueue.content.block import Block, as_data
from reviewqueue.content.differences import Piece
from reviewqueue.content.plain import plain

MOST = 100  # candidates that are drawn

# What names a candidate, when it stands beside what the candidate says.
_NAMES = ("label", "name", "title", "id")
_SAYS = frozenset({"text", "content", "messages", "answer", "image", "fields"})

type Draw = Callable[[Any], Sequence[Block]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer: `pieces` of a text, marked where they differ from the other's, or else the `blocks` it is made of."""

    number: int
    name: str = ""
    pieces: Sequence[Piece] = ()
    blocks: Sequence[Block] = ()


@dataclass(frozen=True, slots=True)
class Candidates:
    each: Sequence[Candidate]
    compared: bool  # whether words are marked
    more: int = 0  # candidates that are not drawn, and all of them as data
    rest: Block | None = None


def read(value: Any, draw: Draw) -> Candidates | None:
    """A list of candidates, or a mapping of their names to them; `draw` makes blocks of what is no plain text."""
    named = _named(value)
    if not named:
        return None
    rest = dict(enumerate(named[(room := limits.some(min(len(named), MOST))) :], start=room + 1))
    named = named[:room]
    texts = [_text(entry) for _, entry in named]
    marked = _compared(texts)
    each = []
    for number, ((name, entry), text) in enumerate(zip(named, texts, strict=True), start=1):
        if text is None:
            each.append(Candidate(number, name, blocks=_blocks(entry, draw)))
        else:
            each.append(Candidate(number, name, pieces=marked[number - 1] if marked else [Piece(text)]))
    compared = any(one.change for side in marked or () for one in side)
    return Candidates(each, compared, len(rest), _as_data(rest) if rest else None)


def _as_data(rest: Mapping[int, tuple[str, Any]]) -> Block:
    return as_data({f"{number} {name}".rstrip(): entry for number, (name, entry) in rest.items()})


def _named(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping) and len(value) > 1:
        return [(str(name), entry) for name, entry in value.items()]
    return [_parted(entry) for entry in value] if isinstance(value, list) else []


def _parted(entry: Any) -> tuple[str, Any]:
    """A candidate's own name and the rest of it, where it has both."""
    if isinstance(entry, Mapping) and entry.keys() & _SAYS:
        for key in _NAMES:
            if isinstance(entry.get(key), str | int):
                return plain(entry[key]), {name: part for name, part in entry.items() if name != key}
    return "", entry


def _text(entry: Any) -> str | None:
    """What a candidate says, when it is nothing but a text."""
    match entry:
        case str():
            return entry
        case {"text": str(text)} | {"content": str(text)} | {"answer": str(text)} if len(entry) == 1:
            return text
        case int() | float():
            return plain(entry)
        case _:
            return None


def _compared(texts: Sequence[str | None]) -> tuple[list[Piece], list[Piece]] | None:
    """Both sides of two texts; more than two have no other to differ from."""
    if len(texts) != 2 or texts[0] is None or texts[1] is None:
        return None
    return differences.sides(texts[0], texts[1])


def _blocks(entry: Any, draw: Draw) -> Sequence[Block]:
    """An object that says nothing of its kind is a form."""
    found = draw(entry)
    if [block.kind for block in found] == ["json"] and (form := fields.read(entry)) is not None:
        return [Block("fields", form)]
    return found
