"""What an input becomes on screen, and that nothing in it does anything."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest

from reviewqueue import content, guidelines, hidden, wording
from reviewqueue.templatetags.untrusted import visible


def _png(width: int, height: int) -> str:
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x00\x00\x00\x00"
    return "data:image/png;base64," + base64.b64encode(head).decode()


def _kinds(value: Any) -> list[str]:
    return [block.kind for block in content.blocks(value)]


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        ("just text", ["text"]),
        ({"text": "a"}, ["text"]),
        ({"messages": [{"role": "user", "content": "hi"}], "text": "a"}, ["text", "messages"]),
        ({"fields": {"name": "Ada"}, "url": "https://example.com"}, ["fields", "url"]),
        ({"candidates": ["one", {"two": 2}]}, ["candidates"]),
        ({"text": "a", "more": [1]}, ["text", "json"]),
        ({"image": "https://example.com/a.png"}, ["json"]),
        ({"image": "data:image/svg+xml;base64,AAAA"}, ["json"]),
        ({"messages": [{"role": "user", "content": "hi", "tool": "x"}]}, ["json"]),
        ({"messages": [{"role": "user"}]}, ["json"]),
        ({"text": 7}, ["json"]),
        ({}, ["json"]),
        ([1, 2], ["json"]),
        (None, ["json"]),
    ],
)
def test_the_shape_of_an_input_chooses_its_blocks_and_nothing_is_left_out(value: Any, kinds: list[str]) -> None:
    assert _kinds(value) == kinds


def test_a_tiny_picture_is_known_by_its_first_bytes() -> None:
    (small,) = content.blocks({"image": _png(8, 8)})
    (large,) = content.blocks({"image": _png(800, 600)})
    assert (small.data.width, small.data.height, small.data.tiny) == (8, 8, True)
    assert not large.data.tiny
    (unknown,) = content.blocks({"image": "data:image/jpeg;base64,AAAA"})
    assert unknown.data.width is None


@pytest.mark.parametrize(
    "character", ["\u202e", "\u200b", "\u2066", "\ufeff", "\u00ad", "\U000e0041", "\x1b", "\u2028", "\u3164", "\ue000"]
)
def test_a_hidden_character_names_itself(character: str) -> None:
    shown = visible(f"pay{character}load")
    assert character not in shown
    assert f'">U+{ord(character):04X}</span>' in shown


@pytest.mark.parametrize("text", ["family 👨‍👩‍👧", "نمی‌خواهم", "क्‍ष", "❤️", "1️⃣", "a\tb\nc", "naïve 日本語"])
def test_what_writing_needs_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_a_message_in_tag_characters_is_read_out() -> None:
    smuggled = "".join(chr(0xE0000 + ord(letter)) for letter in "ignore this")
    shown = visible(f"hello{smuggled}")
    assert "11 hidden characters" in shown
    assert "It spells: ignore this" in shown


def test_markup_is_text() -> None:
    assert visible("<script>alert(1)</script>") == "&lt;script&gt;alert(1)&lt;/script&gt;"
    assert "".join(piece.text for piece in hidden.pieces("<b>")) == "<b>"


def test_guidelines_render_without_markup_pictures_or_ways_out() -> None:
    html = guidelines.as_html(
        '**bold** <b onclick=x>raw</b> [there](https://example.com/?a="b) ![p](https://example.com/p.png) <https://x.test>'
    )
    assert "<strong>bold</strong>" in html
    assert "&lt;b onclick=x&gt;" in html
    assert "<a" not in html
    assert "<img" not in html
    assert 'class="inert-link" title="https://example.com/' in html


def test_the_reason_is_a_sentence_and_nothing_in_it_is_evaluated() -> None:
    why = {
        "message": "%(confidence)s sure, below %(threshold)s: %(rule)s",
        "params": {"confidence": 0.625, "threshold": 0.8},
    }
    assert wording.why(why) == "62\u00a0% sure, below 80\u00a0%: —"
    assert wording.why({"message": "{0.__class__} %(a", "params": None}) == "{0.__class__} %(a"
    assert wording.why(None) == wording.why({}) == ""


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.62, "62\u00a0%"),
        (0.999, "99.9\u00a0%"),
        (0.9999, "99.9\u00a0%"),
        (1, "100\u00a0%"),
        (0, "0\u00a0%"),
        (None, "unknown"),
    ],
)
def test_a_share_is_never_rounded_up_to_certainty(share: float | None, said: str) -> None:
    assert wording.share(share) == said


@pytest.mark.parametrize(
    ("name", "said"), [("card_arrival", "Card arrival"), ("refund", "Refund"), ("iOS", "iOS"), ("_x", "_x"), ("7", "7")]
)
def test_an_answer_reads_like_words(name: str, said: str) -> None:
    assert wording.answer(name) == said


def test_a_stream_says_which_renderer_shows_a_part_or_the_whole() -> None:
    shown = content.blocks({"ticket": {"a": 1}, "text": "hi"}, {"ticket": "fields", "text": "json"})
    assert [(block.kind, block.key) for block in shown] == [("json", "text"), ("fields", "ticket")]
    assert [block.kind for block in content.blocks({"text": "hi"}, {"*": "json"})] == ["json"]


def test_a_renderer_that_cannot_read_its_part_is_passed_over() -> None:
    assert [block.kind for block in content.blocks({"text": "hi", "rows": 3}, {"text": "image", "rows": "fields"})] == [
        "text",
        "json",
    ]
