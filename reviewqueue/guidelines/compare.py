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
from reviewqueue.content.differences import Piece

MOST = 4_000  # lines of both texts together: comparing takes time that grows with their product
MOST_COMPARED = 10_000  # characters of changed lines that are compared by words; further lines are marked as a whole
AROUND = 2  # lines that stayed, shown before and after a change

# gap: lines that stayed and are left out.
type Mark = Literal["same", "removed", "added", "gap"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line, and which of its pieces are why it is marked."""

    mark: Mark
    pieces: Sequence[Piece] = ()


def between(before: str, after: str) -> list[Line] | None:
    """The changed lines with what stands around them; nothing for equal texts, None where they are too long."""
    old, new = before.splitlines(), after.splitlines()
    if len(old) + len(new) > MOST:
        return None
    lines: list[Line] = []
    left = MOST_COMPARED
    for group in SequenceMatcher(None, old, new).get_grouped_opcodes(AROUND):
        if group[0][1] > 0:
            lines.append(Line("gap"))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                lines += _same(old[i1:i2])
            else:
                lines += _changed(old[i1:i2], new[j1:j2], left)
                left -= sum(map(len, (*old[i1:i2], *new[j1:j2])))
    return lines


def _same(lines: Sequence[str]) -> list[Line]:
    return [Line("same", [Piece(line)]) for line in lines]


def _changed(old: Sequence[str], new: Sequence[str], left: int) -> Iterator[Line]:
    """Each old line followed by the new one in its place, as far as there is one.

    `left` characters are still compared by words: how long that takes grows with how much was rewritten.
    """
    for before, after in zip_longest(old, new):
        left -= len(before or "") + len(after or "")
        both = None
        if before is not None and after is not None and left >= 0:
            both = differences.sides(before, after)
        gone, came = both or ([Piece(before or "", "removed")], [Piece(after or "", "added")])
        if before is not None:
            yield Line("removed", gone)
        if after is not None:
            yield Line("added", came)
