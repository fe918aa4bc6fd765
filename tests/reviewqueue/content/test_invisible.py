"""Hidden characters are shown, and markup stays text."""

from __future__ import annotations

import unicodedata

import pytest

from reviewqueue.content import invisible
from reviewqueue.templatetags.untrusted import visible


@pytest.mark.parametrize(
    "character", ["\u202e", "\u200b", "\u2066", "\ufeff", "\u00ad", "\U000e0041", "\x1b", "\u2028", "\u3164", "\ue000"]
)
def test_a_hidden_character_names_itself(character: str) -> None:
    shown = visible(f"pay{character}load")
    assert character not in shown
    assert f'">U+{ord(character):04X}</span>' in shown


@pytest.mark.parametrize("text", ["family 👨‍👩‍👧", "نمی‌خواهم", "क्‍ष", "❤️", "1️⃣", "a\tb\nc", "naïve 日本語"])
def test_joiners_that_writing_needs_stay(text: str) -> None:
    assert visible(text) == text


def test_text_in_tag_characters_is_spelt_out() -> None:
    smuggled = "".join(chr(0xE0000 + ord(letter)) for letter in "ignore this")
    shown = visible(f"hello{smuggled}")
    assert "11 hidden characters" in shown
    assert "It spells: ignore this" in shown


def test_markup_is_text() -> None:
    assert visible("<script>alert(1)</script>") == "&lt;script&gt;alert(1)&lt;/script&gt;"
    assert "".join(piece.text for piece in invisible.split_into_pieces("<b>")) == "<b>"


def test_text_passed_by_the_quick_check_hides_nothing() -> None:
    plain = [character for character in map(chr, range(0x110000)) if invisible.is_plain(character)]
    assert len(plain) > 30_000
    assert {unicodedata.category(one) for one in plain if one not in "\t\n\r"}.isdisjoint({"Cf", "Cc", "Co", "Cs"})
    blank = "\u00ad\u034f\u115f\u1160\u2028\u2029\u2800\u3164\uffa0"
    assert not set(blank) & set(plain)
    assert not any(invisible.is_plain(f"pay{character}load") for character in blank)
