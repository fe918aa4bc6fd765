"""Word-by-word differences between two texts. Pure.

E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", Algorithmica 1 (1986): time and memory grow with the
number of differences, which is bounded, so that no pair of texts can hold up the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

MAX_SIDE_CHANGED_WORDS = 250  # candidates that differ in more words are not compared
MAX_CHANGED_WORDS = 500  # removed and added words; with more, one text is not a version of the other
MIN_SHARED_SHARE = 0.4  # the common share of both texts below which nearly everything would be marked

type ChangeKind = Literal["", "removed", "added"]
type _WordChange = tuple[str, ChangeKind]

# A character of a script without spaces between words, or a word, or a run of blanks, or one other character.
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORDS = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|\s+|[^\w\s]")


@dataclass(frozen=True)
class DiffPiece:
    """A piece of text that is in both texts, only in the first (`removed`) or only in the second (`added`)."""

    text: str
    change: ChangeKind = ""


def diff_words(before: str, after: str, *, most_changes: int = MAX_CHANGED_WORDS) -> list[DiffPiece] | None:
    """The pieces that turn `before` into `after`, in order; None if they differ by more than `most_changes` words.

    A removed piece precedes the one added in its place. Without the added pieces the result is `before`, without the
    removed ones `after`.
    """
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    start = _count_common_start(old, new)
    old_rest, new_rest = old[start:], new[start:]
    end = _count_common_start(old_rest[::-1], new_rest[::-1])
    steps = _shortest_edit(old_rest[: len(old_rest) - end], new_rest[: len(new_rest) - end], most_changes)
    if steps is None:
        return None
    kept: list[_WordChange] = [(word, "") for word in old_rest[len(old_rest) - end :]]
    return list(_join_words([*((word, "") for word in old[:start]), *steps, *kept]))


def compare_sides(first: str, second: str) -> tuple[list[DiffPiece], list[DiffPiece]] | None:
    """The pieces of each of two texts, with its own words marked; None if the texts are too different."""
    found = diff_words(first, second, most_changes=MAX_SIDE_CHANGED_WORDS)
    if found is None:
        return None
    shared = sum(len(piece.text) for piece in found if not piece.change)
    if 2 * shared < MIN_SHARED_SHARE * (len(first) + len(second)):
        return None
    return list(_trim_marks(found, without="added")), list(_trim_marks(found, without="removed"))


def _trim_marks(found: Sequence[DiffPiece], *, without: ChangeKind) -> Iterator[DiffPiece]:
    """The pieces of one side, with the blanks around a changed phrase left unmarked."""
    for piece in found:
        phrase = piece.text.strip()
        if piece.change == without:
            continue
        if not piece.change or not phrase:
            yield piece
            continue
        before, after = piece.text.split(phrase, 1)
        yield from (one for one in (DiffPiece(before), DiffPiece(phrase, piece.change), DiffPiece(after)) if one.text)


def _count_common_start(old: Sequence[str], new: Sequence[str]) -> int:
    """The number of equal words at the start of both."""
    return next(
        (at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), min(len(old), len(new))
    )


def _shortest_edit(old: Sequence[str], new: Sequence[str], most: int) -> list[_WordChange] | None:
    """The shortest edit from `old` to `new`, None if it has more than `most` changes."""
    furthest, trail = {1: 0}, list[dict[int, int]]()
    for changes in range(min(most, len(old) + len(new)) + 1):
        trail.append({at: furthest[at] for at in range(-changes - 1, changes + 2, 2) if at in furthest})
        for diagonal in range(-changes, changes + 1, 2):
            x = _enter_diagonal(furthest, diagonal, changes)
            while x < len(old) and x - diagonal < len(new) and old[x] == new[x - diagonal]:
                x += 1
            furthest[diagonal] = x
            if x >= len(old) and x - diagonal >= len(new):
                return _walk_back(old, new, trail)
    return None


def _enter_diagonal(furthest: dict[int, int], diagonal: int, changes: int) -> int:
    """Where the furthest path with one change less enters this diagonal: down adds a word, right removes one."""
    if _from_above(furthest, diagonal, changes):
        return furthest[diagonal + 1]
    return furthest[diagonal - 1] + 1


def _from_above(furthest: dict[int, int], diagonal: int, changes: int) -> bool:
    return diagonal == -changes or (diagonal != changes and furthest[diagonal - 1] < furthest[diagonal + 1])


def _walk_back(old: Sequence[str], new: Sequence[str], trail: Sequence[dict[int, int]]) -> list[_WordChange]:
    """Rebuild the edit from `trail`, backwards from its end."""
    x, y, steps = len(old), len(new), list[_WordChange]()
    for changes in range(len(trail) - 1, -1, -1):
        furthest, diagonal = trail[changes], x - y
        above = _from_above(furthest, diagonal, changes)
        entry = _enter_diagonal(furthest, diagonal, changes)
        while x > entry:
            x, y = x - 1, y - 1
            steps.append((old[x], ""))
        if changes and above:
            y -= 1
            steps.append((new[y], "added"))
        elif changes:
            x -= 1
            steps.append((old[x], "removed"))
    return steps[::-1]


def _join_words(steps: Sequence[_WordChange]) -> Iterator[DiffPiece]:
    """Join words into pieces; blanks between two changes belong to both, so that a changed phrase is one mark."""
    for changed, run in groupby(_bridge_blanks(steps), key=lambda step: bool(step[1])):
        words = list(run)
        sides: tuple[ChangeKind, ...] = ("removed", "added") if changed else ("",)
        for side in sides:
            if text := "".join(word for word, change in words if change == side):
                yield DiffPiece(text, side)


def _bridge_blanks(steps: Sequence[_WordChange]) -> Iterator[_WordChange]:
    for at, (word, change) in enumerate(steps):
        inside = 0 < at < len(steps) - 1 and steps[at - 1][1] and steps[at + 1][1]
        if change or not word.isspace() or not inside:
            yield word, change
        else:
            yield word, "removed"
            yield word, "added"
