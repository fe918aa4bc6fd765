"""Word-by-word changes to a text, for answers of the AI that rewrite the input's text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from reviewqueue.content import differences
from reviewqueue.content.differences import ChangeKind, DiffPiece

MIN_SHARED_SHARE = 0.5  # the share of both texts that must be common for one to be a version of the other
MIN_TEXT_CHARACTERS = 12  # a shorter string is an answer, not a text
MAX_COMPARED_FIELDS = 12  # fields of a structured answer that are compared


@dataclass(frozen=True)
class TextDiff:
    """The changes from one text to another; `name` is the answer's field with the other, "" for the whole answer."""

    pieces: Sequence[DiffPiece]
    name: str = ""
    text: str = ""

    @property
    def changed(self) -> bool:
        return any(piece.change for piece in self.pieces)


def parse_diff(value: Any) -> TextDiff | None:
    """Parse `{"before": ..., "after": ...}`; None if the two texts differ too much to compare."""
    if not isinstance(value, Mapping) or set(value) != {"before", "after"}:
        return None
    before, after = value["before"], value["after"]
    if not isinstance(before, str) or not isinstance(after, str) or not (before or after):
        return None
    pieces = differences.diff_words(before, after)
    return None if pieces is None else TextDiff(list(_merge_blank_changes(pieces)), text=before)


def find_rewrite(content: Any, proposal: Any) -> TextDiff | None:
    """The changes from the input's text to the closest version of it in the proposal; None if there is none."""
    text = content.get("text") if isinstance(content, Mapping) else content
    if not isinstance(text, str) or len(text) < MIN_TEXT_CHARACTERS:
        return None
    found = [
        (_similarity(diff), diff)
        for name, other in _comparable_texts(proposal, text)
        if (diff := _build_diff(text, other, name))
    ]
    alike, closest = max(found, key=lambda pair: pair[0], default=(0.0, None))
    return closest if alike >= MIN_SHARED_SHARE else None


def _comparable_texts(proposal: Any, text: str) -> list[tuple[str, str]]:
    """The strings of a proposal whose length allows them to be a version of the text."""
    named = {"": proposal} if isinstance(proposal, str) else proposal
    if not isinstance(named, Mapping):
        return []
    near = range(int(len(text) * MIN_SHARED_SHARE / 2), int(len(text) * 2 / MIN_SHARED_SHARE))
    texts = [(name, other) for name, other in named.items() if isinstance(other, str) and len(other) in near]
    return texts[:MAX_COMPARED_FIELDS]


def _build_diff(text: str, other: str, name: str) -> TextDiff | None:
    pieces = differences.diff_words(text, other)
    return None if pieces is None else TextDiff(list(_merge_blank_changes(pieces)), name, text)


def _merge_blank_changes(pieces: Sequence[DiffPiece]) -> Iterator[DiffPiece]:
    """Unmark blanks that are both removed and added: otherwise a paragraph break would be marked twice."""
    at = 0
    while at < len(pieces):
        pair = pieces[at : at + 2]
        if [piece.change for piece in pair] == ["removed", "added"]:
            yield from _trim_shared_blanks(pair[0].text, pair[1].text)
            at += 2
        else:
            yield pair[0]
            at += 1


def _trim_shared_blanks(old: str, new: str) -> Iterator[DiffPiece]:
    start = _count_shared_blanks(old, new)
    blanks, old, new = old[:start], old[start:], new[start:]
    end = len(old) - _count_shared_blanks(old[::-1], new[::-1])
    tail = old[end:]
    parts: list[tuple[str, ChangeKind]] = [
        (blanks, ""),
        (old[:end], "removed"),
        (new.removesuffix(tail), "added"),
        (tail, ""),
    ]
    yield from (DiffPiece(text, change) for text, change in parts if text)


def _count_shared_blanks(one: str, other: str) -> int:
    """The number of equal blanks at the start of both."""
    return sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1] and pair[0].isspace(), zip(one, other, strict=False))
    )


def _similarity(diff: TextDiff) -> float:
    """Twice the common length, divided by the length of both texts; blanks are not counted."""
    both, whole = 0, 0
    for piece in diff.pieces:
        letters = len("".join(piece.text.split()))
        both += 0 if piece.change else 2 * letters
        whole += letters if piece.change else 2 * letters
    return both / whole if whole else 0.0
