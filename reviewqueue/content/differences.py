"""What differs between two texts, word by word. Pure.

E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", Algorithmica 1 (1986): time and memory grow with the
number of differences, which is bounded, so that no pair of texts that a stranger sends can hold up the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

MOST_BETWEEN_SIDES = 250  # two answers to one question that differ in more are two texts, not two wordings
MOST_CHANGES = 500  # words taken out and put in; texts further apart than that are not versions of one another
ALIKE = 0.4  # the share of both texts that must be in both for marks to help; below it nearly all would be marked

type Change = Literal["", "removed", "added"]
type _Step = tuple[str, Change]

# A sign of a script that writes no spaces between words, or a word, or a run of blanks, or one other sign.
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORDS = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|\s+|[^\w\s]")


@dataclass(frozen=True)
class Piece:
    """A stretch of text: in both, or only in the first (`removed`), or only in the second (`added`)."""

    text: str
    change: Change = ""


def pieces(before: str, after: str, *, most_changes: int = MOST_CHANGES) -> list[Piece] | None:
    """How one text becomes the other, in order; None when they differ by more than `most_changes` words.

    What is removed stands before what is added in its place. Without the added pieces it reads `before`, without the
    removed ones `after`.
    """
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    start = _common(old, new)
    old_rest, new_rest = old[start:], new[start:]
    end = _common(old_rest[::-1], new_rest[::-1])
    steps = _steps(old_rest[: len(old_rest) - end], new_rest[: len(new_rest) - end], most_changes)
    if steps is None:
        return None
    kept: list[_Step] = [(word, "") for word in old_rest[len(old_rest) - end :]]
    return list(_joined([*((word, "") for word in old[:start]), *steps, *kept]))


def sides(first: str, second: str) -> tuple[list[Piece], list[Piece]] | None:
    """Each of two texts with what only it has; None where they are too unlike for marks to help."""
    found = pieces(first, second, most_changes=MOST_BETWEEN_SIDES)
    if found is None:
        return None
    shared = sum(len(piece.text) for piece in found if not piece.change)
    if 2 * shared < ALIKE * (len(first) + len(second)):
        return None
    return list(_trimmed(found, without="added")), list(_trimmed(found, without="removed"))


def _trimmed(found: Sequence[Piece], *, without: Change) -> Iterator[Piece]:
    """One side, on which blanks around a changed phrase are not marked with it."""
    for piece in found:
        phrase = piece.text.strip()
        if piece.change == without:
            continue
        if not piece.change or not phrase:
            yield piece
            continue
        before, after = piece.text.split(phrase, 1)
        yield from (one for one in (Piece(before), Piece(phrase, piece.change), Piece(after)) if one.text)


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    """How many words the two begin with alike."""
    return next(
        (at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), min(len(old), len(new))
    )


def _steps(old: Sequence[str], new: Sequence[str], most: int) -> list[_Step] | None:
    """The shortest way from one to the other, or None when it has more than `most` changes."""
    furthest, trail = {1: 0}, list[dict[int, int]]()
    for changes in range(min(most, len(old) + len(new)) + 1):
        trail.append({at: furthest[at] for at in range(-changes - 1, changes + 2, 2) if at in furthest})
        for diagonal in range(-changes, changes + 1, 2):
            x = _enter(furthest, diagonal, changes)
            while x < len(old) and x - diagonal < len(new) and old[x] == new[x - diagonal]:
                x += 1
            furthest[diagonal] = x
            if x >= len(old) and x - diagonal >= len(new):
                return _walked(old, new, trail)
    return None


def _enter(furthest: dict[int, int], diagonal: int, changes: int) -> int:
    """Where the furthest way with one change less steps onto this diagonal: down adds a word, right removes one."""
    if _from_above(furthest, diagonal, changes):
        return furthest[diagonal + 1]
    return furthest[diagonal - 1] + 1


def _from_above(furthest: dict[int, int], diagonal: int, changes: int) -> bool:
    return diagonal == -changes or (diagonal != changes and furthest[diagonal - 1] < furthest[diagonal + 1])


def _walked(old: Sequence[str], new: Sequence[str], trail: Sequence[dict[int, int]]) -> list[_Step]:
    """The way that `trail` found, walked back from its end."""
    x, y, steps = len(old), len(new), list[_Step]()
    for changes in range(len(trail) - 1, -1, -1):
        furthest, diagonal = trail[changes], x - y
        above = _from_above(furthest, diagonal, changes)
        entry = _enter(furthest, diagonal, changes)
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


def _joined(steps: Sequence[_Step]) -> Iterator[Piece]:
    """Words as stretches; blanks between two changes belong to both, so that a changed phrase is one mark."""
    for changed, run in groupby(_bridged(steps), key=lambda step: bool(step[1])):
        words = list(run)
        sides: tuple[Change, ...] = ("removed", "added") if changed else ("",)
        for side in sides:
            if text := "".join(word for word, change in words if change == side):
                yield Piece(text, side)


def _bridged(steps: Sequence[_Step]) -> Iterator[_Step]:
    for at, (word, change) in enumerate(steps):
        inside = 0 < at < len(steps) - 1 and steps[at - 1][1] and steps[at + 1][1]
        if change or not word.isspace() or not inside:
            yield word, change
        else:
            yield word, "removed"
            yield word, "added"
