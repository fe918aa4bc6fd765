"""Differences between two texts."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from reviewqueue.content import differences
from reviewqueue.content.differences import DiffPiece

TEXTS = some.text(alphabet="ab c.\n語ก", max_size=40)


def _without(pieces: list[DiffPiece], change: str) -> str:
    return "".join(piece.text for piece in pieces if piece.change != change)


@given(before=TEXTS, after=TEXTS)
def test_either_text_can_be_read_from_the_pieces(before: str, after: str) -> None:
    pieces = differences.diff_words(before, after)
    assert pieces is not None
    assert _without(pieces, "added") == before
    assert _without(pieces, "removed") == after
    assert all(piece.text for piece in pieces)


@given(text=TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert differences.diff_words(text, text) == ([DiffPiece(text)] if text else [])


def test_a_changed_word_is_marked_and_not_the_letters_in_it() -> None:
    assert differences.diff_words("I was charged twice.", "I was billed twice.") == [
        DiffPiece("I was "),
        DiffPiece("charged", "removed"),
        DiffPiece("billed", "added"),
        DiffPiece(" twice."),
    ]


def test_a_changed_phrase_is_one_mark() -> None:
    assert differences.diff_words("the old big house", "the tiny red house") == [
        DiffPiece("the "),
        DiffPiece("old big", "removed"),
        DiffPiece("tiny red", "added"),
        DiffPiece(" house"),
    ]


def test_scripts_without_spaces_are_compared_by_character() -> None:
    assert differences.diff_words("返金します", "返品します") == [
        DiffPiece("返"),
        DiffPiece("金", "removed"),
        DiffPiece("品", "added"),
        DiffPiece("します"),
    ]


def test_each_side_keeps_its_own_words() -> None:
    assert differences.compare_sides("the parcel is late", "the parcel is lost") == (
        [DiffPiece("the parcel is "), DiffPiece("late", "removed")],
        [DiffPiece("the parcel is "), DiffPiece("lost", "added")],
    )


def test_texts_with_nothing_in_common_have_no_marks() -> None:
    assert differences.compare_sides("I was charged twice.", "Blue whales sing at night, mostly.") is None


@pytest.mark.parametrize(
    ("before", "after"),
    [("a " * 200_000, "b " * 200_000), ("a b " * 50_000, "b a " * 50_000), ("x" * 1_000_000, "y" * 1_000_000)],
)
def test_comparing_very_different_texts_stops_early(before: str, after: str) -> None:
    began = time.process_time()
    differences.diff_words(before, after)
    assert time.process_time() - began < 5
