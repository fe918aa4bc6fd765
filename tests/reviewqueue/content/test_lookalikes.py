"""Look-alike words are marked; words that are merely foreign are not."""

# ruff: noqa: RUF001 - letters that look alike are what is tested

from __future__ import annotations

import time

import pytest

from reviewqueue.content import invisible, lookalikes
from reviewqueue.templatetags.untrusted import visible


def _found(text: str) -> list[str]:
    return [text[word.start : word.end] for word in lookalikes.find_lookalikes(text)]


@pytest.mark.parametrize(
    "word",
    [
        "p\u0430ypal",
        "\u0440\u0430ypal",
        "micr\u043es\u043eft",
        "g\u03bf\u03bfgle",
        "p\u03b1yp\u03b1l",
        "am\u0585zon",
        "\u13aampl\u0435",
        "\u13aamazon",
        "\u041f\u0440\u0438\u0432e\u0442",
        "p\u0430\u0301ypal",
    ],
)
def test_a_word_of_two_alphabets_is_marked_as_a_look_alike(word: str) -> None:
    assert _found(f"Please pay {word} now.") == [word]


@pytest.mark.parametrize(
    "word", ["\u0441\u043e\u0440", "\u0430\u0440\u0440\u04cf\u0435", "\u0430", "\u0395\u03a4\u0391"]
)
def test_a_foreign_look_alike_word_is_marked_among_latin_words(word: str) -> None:
    assert _found(f"call the {word} today") == [word]


@pytest.mark.parametrize(
    "text",
    [
        "Мы оплатили счёт, а он не пришёл. Сор, рота, осока, Анна.",
        "Он написал мне SMSки через USBшник, CEOа нет, Wi-Fi и iPhone работают, PDF-файл",
        "Привет, это Anna из Google: сор и рот",
        "Ο άνθρωπος και η θάλασσα, Νίκος. ΑΘΗΝΑ ΝΙΚΗ",
        "The word и is Russian; Привет and сор too.",
        "The Greek word και means and",
        "5 µm, 3 μm, 10 kΩ, 4,7 MΩ, 10 \u2126",
        "ρgh, αx + βy, νt, Δx, ρmax, ωt, χ2, α-helix, λmax, νν",
        "TNFα, NFκB, IFNγ, PPARγ, αSMA, αSyn, HIF1α",
        "𝐩𝐚𝐲 ｐａｙ ℕ ∑ naïve Ærø ß",
        "Բարեւ ձեզ, ᎣᏏᏲ",
        "日本語 العربية עברית हिन्दी",
        "",
    ],
)
def test_ordinary_text_units_and_formulas_are_not_marked(text: str) -> None:
    assert _found(text) == []


def test_look_alike_letters_are_named() -> None:
    html = visible("pay p\u0430yp\u0430l")
    assert 'title="\u0430 is cyrillic small letter a, not a">' in html
    assert "look-alike letters" in html


def test_the_latin_letter_is_named_in_a_russian_word() -> None:
    (word,) = lookalikes.find_lookalikes("Привeт, как дела?")
    assert word.letters == (("e", "\u0435"),)


def test_hidden_characters_in_a_word_are_shown() -> None:
    pieces = list(invisible.split_into_pieces("p\u0430y\u200bpal"))
    assert [(piece.text, piece.hidden, piece.lookalike) for piece in pieces] == [
        ("p\u0430y", False, True),
        ("U+200B", True, False),
        ("pal", False, False),
    ]


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("I was charged twice for it. " * 3_600, 20),
        ("Ich wurde für das hier zweimal belastet – “so”. " * 2_100, 100),
        ("Меня дважды списали за один и тот же заказ. " * 2_300, 250),
        ("\u200b\u0430a" * 33_000, 2_000),
        ("p\u0430ypal " * 14_000, 2_000),
        ("\u0430a" * 50_000, 2_000),
    ],
)
def test_a_long_text_is_parsed_quickly(text: str, milliseconds: int) -> None:
    """Ten times what was measured, so that only another growth fails; the least of three, past what garbage costs."""
    assert min(_seconds(text) for _ in range(3)) * 1000 < milliseconds


def test_checking_a_word_takes_linear_time() -> None:
    short, long = (min(_seconds("α" * letters + "z" * letters) for _ in range(5)) for letters in (2_000, 16_000))
    assert long < 20 * short  # eight times the letters; what grows with the square takes 64 times as long


def test_a_word_too_long_for_a_formula_counts_as_a_look_alike() -> None:
    assert _found("TNFα") == []
    assert _found("T" * 60 + "α") == ["T" * 60 + "α"]


def _seconds(text: str) -> float:
    began = time.process_time()
    visible(text)
    return time.process_time() - began
