"""What a person cannot see is shown, and markup is text."""

from __future__ import annotations

import pytest

from reviewqueue import hidden
from reviewqueue.templatetags.untrusted import visible


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
