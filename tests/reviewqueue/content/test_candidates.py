"""Candidate answers side by side."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue import content
from reviewqueue.content.candidates import CandidateList
from tests.helpers import content_samples
from tests.helpers.content_rendering import collapse_whitespace, extract_visible_text, render_blocks


def _candidates(value: Any) -> CandidateList:
    (block,) = content.build_blocks({"candidates": value})
    assert block.kind == "candidates"
    candidates: CandidateList = block.data
    return candidates


def _marked(value: Any) -> list[list[str]]:
    return [[piece.text for piece in one.pieces if piece.change] for one in _candidates(value).candidates]


def test_differing_words_of_two_candidates_are_marked_on_both_sides() -> None:
    assert _marked(["The parcel is late today.", "The parcel is lost."]) == [["late today"], ["lost"]]
    html = render_blocks({"candidates": ["The parcel is late.", "The parcel is lost."]})
    assert "<mark>lost</mark>" in collapse_whitespace(html)


@pytest.mark.parametrize(
    "value",
    [
        ["same", "same"],
        ["I was charged twice.", "Blue whales sing at night."],
        ["a b c", "a b d", "a b e"],
        ["only one"],
        ["", "text"],
    ],
)
def test_very_different_texts_have_no_marks(value: Any) -> None:
    assert not _candidates(value).compared
    assert "<mark>" not in render_blocks({"candidates": value})


def test_candidates_can_be_named() -> None:
    by_key = _candidates({"A": "one", "B": "two"})
    assert [(one.number, one.name) for one in by_key.candidates] == [(1, "A"), (2, "B")]
    assert by_key.candidates[0].pieces[0].text == "one"
    assert _candidates([{"label": "short", "text": "one"}, {"text": "two"}]).candidates[0].name == "short"


def test_candidates_are_shown_by_their_own_kind() -> None:
    chat = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    each = _candidates([chat, {"messages": chat}, {"total": 12}, {"text": "a", "more": 1}, [1, 2], None, 7]).candidates
    assert [[block.kind for block in one.blocks] for one in each] == [
        ["messages"],
        ["messages"],
        ["fields"],
        ["text", "json"],
        ["json"],
        ["json"],
        [],
    ]


def test_nested_candidates_are_shown_as_data() -> None:
    deep: Any = "bottom"
    for _ in range(60):
        deep = {"candidates": [deep, "x"]}
    assert "bottom" in extract_visible_text(render_blocks(deep))


def test_the_prompt_is_above_the_candidates_and_folds() -> None:
    prompt, candidates = content.build_blocks(content_samples.build_samples()["candidates"].item["input"])
    assert (prompt.kind, candidates.kind) == ("prompt", "candidates")
    html = render_blocks({"prompt": "Which is better?", "candidates": ["a", "b"], "source": {"page": 7}})
    assert html.index("Which is better?") < html.index("Candidate 1")
    assert '<details class="content-prompt" open>' in html
    assert "page" in extract_visible_text(html)


@pytest.mark.parametrize("value", [[], {}, {"only": "one"}, "text", 7, None])
def test_values_that_are_not_candidates_are_data(value: Any) -> None:
    assert [block.kind for block in content.build_blocks({"candidates": value})] == ["json"]


def test_markup_in_candidates_is_text() -> None:
    evil = "<script>alert(1)</script>"
    html = render_blocks(
        {"candidates": {evil: f"one {evil} and more words", "b": f"two {evil} and more words"}, "prompt": evil}
    )
    assert "<script" not in html
