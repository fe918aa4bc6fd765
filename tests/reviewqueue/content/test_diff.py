"""Changes that the AI's answer makes to a text, shown only once the answer is shown."""

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
from tests.helpers.content_rendering import collapse_whitespace, extract_visible_text, render_blocks

BEFORE = "I was charged twice for the same order last night."
AFTER = "I was billed twice for the same order last night."


def _kinds(value: Any, proposal: Any) -> list[str]:
    return [block.kind for block in content.build_blocks(value, proposal=proposal)]


def test_changed_words_are_marked_without_relying_on_colour() -> None:
    html = collapse_whitespace(render_blocks({"text": BEFORE}, proposal=AFTER))
    assert re.search(r"<del><span[^>]*>\[removed: </span>charged<span[^>]*>\] </span></del>", html)
    assert re.search(r"<ins><span[^>]*>\[added: </span>billed<span[^>]*>\] </span></ins>", html)
    assert "I was chargedbilled twice" in extract_visible_text(html)


def test_a_paragraph_break_is_not_marked_twice() -> None:
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


def test_a_marked_text_is_kept_and_followed_by_its_changes() -> None:
    assert _kinds({"text": BEFORE, "spans": [{"start": 0, "end": 1}]}, AFTER) == ["spans", "diff"]


def test_the_field_most_like_the_text_is_compared() -> None:
    proposal = {"subject": "Charged twice for one order", "body": AFTER, "count": 3, "tags": ["a"]}
    assert "Changes to the text: body" in render_blocks({"text": BEFORE}, proposal=proposal)


def test_an_unchanged_text_says_so() -> None:
    html = render_blocks({"text": BEFORE}, proposal={"text": BEFORE})
    assert "The text is unchanged" in html
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
def test_an_answer_that_is_not_a_version_of_the_text_is_not_compared(proposal: Any) -> None:
    assert _kinds({"text": BEFORE}, proposal) == ["text"]


@pytest.mark.parametrize("value", [{"text": "refund"}, {"text": 7}, {"note": BEFORE}, [BEFORE], None])
def test_inputs_without_text_are_not_compared(value: Any) -> None:
    assert "diff" not in _kinds(value, "refund")
    assert "diff" not in _kinds(value, AFTER)


def test_an_input_can_be_two_versions_of_a_text() -> None:
    value = {"edit": {"before": BEFORE, "after": AFTER}}
    assert [block.kind for block in content.build_blocks(value, {"edit": "diff"})] == ["diff"]
    assert [block.kind for block in content.build_blocks({"edit": {"before": BEFORE}}, {"edit": "diff"})] == ["json"]


@pytest.mark.scale
@pytest.mark.parametrize(
    ("before", "after"),
    [("a b " * 50_000, "b a " * 50_000), ("word " * 40_000, "words " * 40_000), ("x" * 500_000, "y" * 500_000)],
)
def test_comparing_long_texts_takes_bounded_time(before: str, after: str) -> None:
    began = time.process_time()
    diff.find_rewrite(before, {str(number): after for number in range(50)})
    assert time.process_time() - began < 10


@pytest.mark.django_db
def test_changes_are_hidden_until_the_proposal_is_shown(rob: User, queue: Queue) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="structured", schema={"type": "object"})
    queue_items.enqueue_items(1, schema_number=2, input={"text": BEFORE}, proposal={"text": AFTER}, answer_first=True)
    queue_items.enqueue_items(2, schema_number=2, input={"text": BEFORE}, proposal={"text": AFTER})
    assert [block.kind for block in layout.build_layout(queue_items.claim_next_item(rob)).blocks] == ["text"]
    assert [block.kind for block in layout.build_layout(queue_items.claim_next_item(rob)).blocks] == ["diff"]
