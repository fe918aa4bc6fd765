"""A text and what became of it, word by word: where the AI's answer rewrites the input's text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from reviewqueue.content import differences
from reviewqueue.content.differences import Change, Piece

ALIKE = 0.5  # the share of both texts that must be in both to call one a version of the other
SHORTEST = 12  # characters; what is shorter is an answer, not a text
MOST_FIELDS = 12  # of a structured answer that are compared


@dataclass(frozen=True)
class Diff:
    """How one text became another; `name` is the field of the answer that holds the other, "" for the whole."""

    pieces: Sequence[Piece]
    name: str = ""
    text: str = ""

    @property
    def changed(self) -> bool:
        return any(piece.change for piece in self.pieces)


def read(value: Any) -> Diff | None:
    """`{"before": ..., "after": ...}`, two texts that are not too far apart to compare."""
    if not isinstance(value, Mapping) or set(value) != {"before", "after"}:
        return None
    before, after = value["before"], value["after"]
    if not isinstance(before, str) or not isinstance(after, str) or not (before or after):
        return None
    pieces = differences.pieces(before, after)
    return None if pieces is None else Diff(list(_tidied(pieces)), text=before)


def of(content: Any, proposal: Any) -> Diff | None:
    """The input's text beside the text in the proposal that is a version of it; None where there is none."""
    text = content.get("text") if isinstance(content, Mapping) else content
    if not isinstance(text, str) or len(text) < SHORTEST:
        return None
    found = [(_alike(diff), diff) for name, other in _texts(proposal, text) if (diff := _diff(text, other, name))]
    alike, closest = max(found, key=lambda pair: pair[0], default=(0.0, None))
    return closest if alike >= ALIKE else None


def _texts(proposal: Any, text: str) -> list[tuple[str, str]]:
    """The strings of a proposal that are long enough, and not too long, to be a version of the text."""
    named = {"": proposal} if isinstance(proposal, str) else proposal
    if not isinstance(named, Mapping):
        return []
    near = range(int(len(text) * ALIKE / 2), int(len(text) * 2 / ALIKE))
    texts = [(name, other) for name, other in named.items() if isinstance(other, str) and len(other) in near]
    return texts[:MOST_FIELDS]


def _diff(text: str, other: str, name: str) -> Diff | None:
    pieces = differences.pieces(text, other)
    return None if pieces is None else Diff(list(_tidied(pieces)), name, text)


def _tidied(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The same without blanks that are both taken out and put in: a break between paragraphs would be marked twice."""
    at = 0
    while at < len(pieces):
        pair = pieces[at : at + 2]
        if [piece.change for piece in pair] == ["removed", "added"]:
            yield from _without_blanks(pair[0].text, pair[1].text)
            at += 2
        else:
            yield pair[0]
            at += 1


def _without_blanks(old: str, new: str) -> Iterator[Piece]:
    start = _shared_blanks(old, new)
    blanks, old, new = old[:start], old[start:], new[start:]
    end = len(old) - _shared_blanks(old[::-1], new[::-1])
    tail = old[end:]
    parts: list[tuple[str, Change]] = [
        (blanks, ""),
        (old[:end], "removed"),
        (new.removesuffix(tail), "added"),
        (tail, ""),
    ]
    yield from (Piece(text, change) for text, change in parts if text)


def _shared_blanks(one: str, other: str) -> int:
    """How many blanks both begin with."""
    return sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1] and pair[0].isspace(), zip(one, other, strict=False))
    )


def _alike(diff: Diff) -> float:
    """Twice what is in both, by both; blanks are in all texts and say nothing."""
    both, whole = 0, 0
    for piece in diff.pieces:
        letters = len("".join(piece.text.split()))
        both += 0 if piece.change else 2 * letters
        whole += letters if piece.change else 2 * letters
    return both / whole if whole else 0.0
