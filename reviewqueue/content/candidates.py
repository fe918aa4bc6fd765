"""Candidate answers side by side; with two texts, the words that differ are marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reviewqueue.content import differences, fields, limits
from reviewqueue.content.block import Block, build_data_block
from reviewqueue.content.differences import DiffPiece
from reviewqueue.content.plain import format_plain

MAX_CANDIDATES = 100  # candidates shown; the others are data

# Keys that name a candidate, if it also has one of the content keys.
_NAME_KEYS = ("label", "name", "title", "id")
_CONTENT_KEYS = frozenset({"text", "content", "messages", "answer", "image", "fields"})

type BlockBuilder = Callable[[Any], Sequence[Block]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate: the `pieces` of its text, marked where it differs from the other one, or its `blocks`."""

    number: int
    name: str = ""
    pieces: Sequence[DiffPiece] = ()
    blocks: Sequence[Block] = ()


@dataclass(frozen=True, slots=True)
class CandidateList:
    candidates: Sequence[Candidate]
    compared: bool  # whether words are marked
    undrawn_count: int = 0  # candidates that are only in `rest`, as data
    rest: Block | None = None


def parse_candidates(value: Any, draw: BlockBuilder) -> CandidateList | None:
    """A list of candidates, or a mapping from their names; `draw` builds the blocks of non-text candidates."""
    named = _name_entries(value)
    if not named:
        return None
    rest = dict(enumerate(named[(room := limits.take_pieces(min(len(named), MAX_CANDIDATES))) :], start=room + 1))
    named = named[:room]
    texts = [_plain_text(entry) for _, entry in named]
    marked = _compare_texts(texts)
    each = []
    for number, ((name, entry), text) in enumerate(zip(named, texts, strict=True), start=1):
        if text is None:
            each.append(Candidate(number, name, blocks=_build_blocks(entry, draw)))
        else:
            each.append(Candidate(number, name, pieces=marked[number - 1] if marked else [DiffPiece(text)]))
    compared = any(one.change for side in marked or () for one in side)
    return CandidateList(each, compared, len(rest), _rest_block(rest) if rest else None)


def _rest_block(rest: Mapping[int, tuple[str, Any]]) -> Block:
    return build_data_block({f"{number} {name}".rstrip(): entry for number, (name, entry) in rest.items()})


def _name_entries(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping) and len(value) > 1:
        return [(str(name), entry) for name, entry in value.items()]
    return [_split_name(entry) for entry in value] if isinstance(value, list) else []


def _split_name(entry: Any) -> tuple[str, Any]:
    """A candidate's name and the rest of it; "" and the candidate if it has no name."""
    if isinstance(entry, Mapping) and entry.keys() & _CONTENT_KEYS:
        for key in _NAME_KEYS:
            if isinstance(entry.get(key), str | int):
                return format_plain(entry[key]), {name: part for name, part in entry.items() if name != key}
    return "", entry


def _plain_text(entry: Any) -> str | None:
    """The text of a candidate that is nothing but a text, else None."""
    match entry:
        case str():
            return entry
        case {"text": str(text)} | {"content": str(text)} | {"answer": str(text)} if len(entry) == 1:
            return text
        case int() | float():
            return format_plain(entry)
        case _:
            return None


def _compare_texts(texts: Sequence[str | None]) -> tuple[list[DiffPiece], list[DiffPiece]] | None:
    """The marked pieces of exactly two texts, else None."""
    if len(texts) != 2 or texts[0] is None or texts[1] is None:
        return None
    return differences.compare_sides(texts[0], texts[1])


def _build_blocks(entry: Any, draw: BlockBuilder) -> Sequence[Block]:
    """The blocks of a candidate; an object without a known kind is shown as a form."""
    found = draw(entry)
    if [block.kind for block in found] == ["json"] and (form := fields.parse_fields(entry)) is not None:
        return [Block("fields", form)]
    return found
