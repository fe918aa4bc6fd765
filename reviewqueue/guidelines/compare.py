"""What changed between two texts, by lines and within them by words. Pure.

Lines, because people write guidelines in paragraphs and lists; words within them, because a paragraph is one long
line in which a changed word would be looked for in vain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal

from reviewqueue.content import differences
from reviewqueue.content.differences import DiffPiece

MAX_COMPARED_LINES = 4_000  # lines of both texts together: comparing takes time that grows with their product
MAX_COMPARED_CHARACTERS = (
    10_000  # characters of changed lines that are compared by words; further lines are marked as a whole
)
CONTEXT_LINES = 2  # lines that stayed, shown before and after a change

# gap: lines that stayed and are left out.
type LineMark = Literal["same", "removed", "added", "gap"]


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line, and which of its pieces are why it is marked."""

    mark: LineMark
    pieces: Sequence[DiffPiece] = ()


def diff_texts(before: str, after: str) -> list[DiffLine] | None:
    """The changed lines with what stands around them; nothing for equal texts, None where they are too long."""
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
    """Each old line followed by the new one in its place, as far as there is one.

    `left` characters are still compared by words: how long that takes grows with how much was rewritten.
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
