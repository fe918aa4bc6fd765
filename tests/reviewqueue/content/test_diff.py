"""What the AI's answer changed in a text: shown when its answer is, and not before."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from reviewqueue import content
from reviewqueue.content import diff
from reviewqueue.desk import layout
from reviewqueue.models import AnswerSchema, Queue, User
from tests.helpers import queue_items
from tests.helpers.content_rendering import extract_visible_text, render_blocks

BEFORE = "I was charged twice for the same order last night."
AFTER = "I was billed twice for the same order last night."


def _kinds(value: Any, proposal: Any) -> list[str]:
    return [block.kind for block in content.build_blocks(value, proposal=proposal)]


def test_changed_words_are_told_without_colour() -> None:
    html = render_blocks({"text": BEFORE}, proposal=AFTER)
    assert re.search(r"<del><span[^>]*>\[taken out: </span>charged<span[^>]*>\] </span></del>", html)
    assert re.search(r"<ins><span[^>]*>\[put in: </span>billed<span[^>]*>\] </span></ins>", html)
    assert "I was chargedbilled twice" in extract_visible_text(html)


def test_a_break_between_paragraphs_is_not_marked_twice() -> None:
    data = diff.find_rewrite(
        "First of all, some words. Gone.\n\nThen the rest of it.", "First of all, some words. \n\nThen the rest of it."
    )
    assert data is not None
    assert [(piece.text, piece.change) for piece in data.pieces] == [
        ("First of all, some words.", ""),
        (" ", ""),
        ("Gone.", "removed"),
        ("\n\n", ""),
        ("Then the rest of it.", ""),
    ]


@given(before=some.text(alphabet="ab \n.", max_size=40), after=some.text(alphabet="ab \n.", max_size=40))
def test_either_text_can_be_read_from_the_changes(before: str, after: str) -> None:
    data = diff.parse_diff({"before": before, "after": after})
    if data is None:
        assert not before + after
        return
    assert "".join(piece.text for piece in data.pieces if piece.change != "added") == before
    assert "".join(piece.text for piece in data.pieces if piece.change != "removed") == after


def test_the_changes_take_the_place_of_the_plain_text() -> None:
    assert _kinds({"text": BEFORE, "url": "https://example.com"}, AFTER) == ["diff", "url"]
    assert _kinds(BEFORE, AFTER) == ["diff"]


def test_a_marked_text_stays_and_the_changes_follow() -> None:
    assert _kinds({"text": BEFORE, "spans": [{"start": 0, "end": 1}]}, AFTER) == ["spans", "diff"]


def test_the_field_most_like_the_text_is_compared() -> None:
    proposal = {"subject": "Charged twice for one order", "body": AFTER, "count": 3, "tags": ["a"]}
    assert "What was changed in the text: body" in render_blocks({"text": BEFORE}, proposal=proposal)


def test_a_text_left_as_it_was_is_told() -> None:
    html = render_blocks({"text": BEFORE}, proposal={"text": BEFORE})
    assert "Nothing was changed in the text" in html
    assert "<ins" not in html


@pytest.mark.parametrize(
    "proposal",
    [
        None,
        "refund",
        ["refund"],
        7,
        {},
        {"intent": "refund"},
        "Blue whales sing at night, mostly in warm waters.",
        [AFTER],
    ],
)
def test_an_answer_that_is_no_version_of_the_text_is_not_compared(proposal: Any) -> None:
    assert _kinds({"text": BEFORE}, proposal) == ["text"]


@pytest.mark.parametrize("value", [{"text": "refund"}, {"text": 7}, {"note": BEFORE}, [BEFORE], None])
def test_what_holds_no_text_is_not_compared(value: Any) -> None:
    assert "diff" not in _kinds(value, "refund")
    assert "diff" not in _kinds(value, AFTER)


def test_an_input_may_itself_be_two_versions() -> None:
    value = {"edit": {"before": BEFORE, "after": AFTER}}
    assert [block.kind for block in content.build_blocks(value, {"edit": "diff"})] == ["diff"]
    assert [block.kind for block in content.build_blocks({"edit": {"before": BEFORE}}, {"edit": "diff"})] == ["json"]


@pytest.mark.scale
@pytest.mark.parametrize(
    ("before", "after"),
    [("a b " * 50_000, "b a " * 50_000), ("word " * 40_000, "words " * 40_000), ("x" * 500_000, "y" * 500_000)],
)
def test_long_texts_are_compared_or_given_up_soon(before: str, after: str) -> None:
    began = time.process_time()
    diff.find_rewrite(before, {str(number): after for number in range(50)})
    assert time.process_time() - began < 10


@pytest.mark.django_db
def test_nothing_is_compared_before_the_proposal_is_in_sight(rob: User, queue: Queue) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="structured", schema={"type": "object"})
    queue_items.enqueue_items(1, schema_number=2, input={"text": BEFORE}, proposal={"text": AFTER}, answer_first=True)
    queue_items.enqueue_items(2, schema_number=2, input={"text": BEFORE}, proposal={"text": AFTER})
    assert [block.kind for block in layout.build_layout(queue_items.claim_next_item(rob)).blocks] == ["text"]
    assert [block.kind for block in layout.build_layout(queue_items.claim_next_item(rob)).blocks] == ["diff"]
