"""The changes between two texts, by lines and within lines by words. Pure.

Lines, because guidelines are written in paragraphs and lists; words within them, because a paragraph is one long line
in which a changed word is hard to find.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal

from reviewqueue.content import differences
from reviewqueue.content.differences import DiffPiece

MAX_COMPARED_LINES = 4_000  # lines of both texts together: the time grows with their product
MAX_COMPARED_CHARACTERS = 10_000  # of changed lines that are compared by words; further lines are marked as a whole
CONTEXT_LINES = 2  # unchanged lines shown before and after a change

# gap: unchanged lines that are left out.
type LineMark = Literal["same", "removed", "added", "gap"]


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line and its pieces, which carry the changed words."""

    mark: LineMark
    pieces: Sequence[DiffPiece] = ()


def diff_texts(before: str, after: str) -> list[DiffLine] | None:
    """The changed lines with their context; empty for equal texts, None if the texts are too long."""
    old, new = before.splitlines(), after.splitlines()
    if len(old) + len(new) > MAX_COMPARED_LINES:
        return None
    lines: list[DiffLine] = []
    left = MAX_COMPARED_CHARACTERS
    for group in SequenceMatcher(None, old, new).get_grouped_opcodes(CONTEXT_LINES):
        if group[0][1] > 0:
            lines.append(DiffLine("gap"))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                lines += _unchanged_lines(old[i1:i2])
            else:
                lines += _changed_lines(old[i1:i2], new[j1:j2], left)
                left -= sum(map(len, (*old[i1:i2], *new[j1:j2])))
    return lines


def _unchanged_lines(lines: Sequence[str]) -> list[DiffLine]:
    return [DiffLine("same", [DiffPiece(line)]) for line in lines]


def _changed_lines(old: Sequence[str], new: Sequence[str], left: int) -> Iterator[DiffLine]:
    """Each old line, followed by the new line in its place if there is one.

    At most `left` characters are compared by words, because the time grows with the amount of changed text.
    """
    for before, after in zip_longest(old, new):
        left -= len(before or "") + len(after or "")
        both = None
        if before is not None and after is not None and left >= 0:
            both = differences.compare_sides(before, after)
        gone, came = both or ([DiffPiece(before or "", "removed")], [DiffPiece(after or "", "added")])
        if before is not None:
            yield DiffLine("removed", gone)
        if after is not None:
            yield DiffLine("added", came)
