"""Changes between two texts by lines and words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.content import differences
from reviewqueue.guidelines import compare
from reviewqueue.guidelines.compare import DiffLine

LINES = st.lists(st.sampled_from(["", "a refund", "a late refund", "billing", "b"]), max_size=12)


def _texts(lines: list[DiffLine], *marks: str) -> list[str]:
    return ["".join(piece.text for piece in line.pieces) for line in lines if line.mark in marks]


def test_equal_texts_have_no_changes() -> None:
    assert compare.diff_texts("a\nb", "a\nb") == []


def test_within_a_long_line_only_the_changed_words_are_marked() -> None:
    before, after = "A refund goes to the customer within a week.", "A refund goes to the bank within a week."
    lines = compare.diff_texts(before, after) or []
    assert [line.mark for line in lines] == ["removed", "added"]
    assert [piece.text for line in lines for piece in line.pieces if piece.change] == ["customer", "bank"]


def test_distant_unchanged_lines_are_left_out() -> None:
    before = [f"line {number}" for number in range(30)]
    lines = compare.diff_texts("\n".join(before), "\n".join([*before[:15], "new", *before[15:]])) or []
    assert [line.mark for line in lines] == ["gap", "same", "same", "added", "same", "same"]


@given(LINES, LINES)
def test_every_removed_and_added_line_is_present(before: list[str], after: list[str]) -> None:
    lines = compare.diff_texts("\n".join(before), "\n".join(after))
    assert lines is not None
    gone, came = _texts(lines, "removed"), _texts(lines, "added")
    rest = list("\n".join(before).splitlines())
    for line in gone:
        rest.remove(line)
    assert sorted(rest + came) == sorted("\n".join(after).splitlines())


@pytest.mark.parametrize("lines", [compare.MAX_COMPARED_LINES + 1])
def test_texts_over_the_limit_are_not_compared(lines: int) -> None:
    assert compare.diff_texts("", "x\n" * lines) is None


def test_word_comparison_of_rewritten_texts_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    sides = differences.compare_sides

    def counted(first: str, second: str) -> object:
        compared.append(len(first) + len(second))
        return sides(first, second)

    monkeypatch.setattr(differences, "compare_sides", counted)
    before, after = (
        "\n".join(f"{number} {word} " + "and so on " * 80 for number in range(100)) for word in ("refund", "return")
    )
    lines = compare.diff_texts(before, after) or []
    assert 0 < sum(compared) <= compare.MAX_COMPARED_CHARACTERS < len(before) + len(after)
    assert _texts(lines, "removed") == before.splitlines()
    assert _texts(lines, "added") == after.splitlines()
