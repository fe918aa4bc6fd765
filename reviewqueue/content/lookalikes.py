"""Finds words with letters that look like those of another alphabet: `pаypal` with a Cyrillic а.

Uses a subset of Unicode's confusables (UTS 39). Ordinary Russian or Greek, units and formulas are left alone, because
people soon ignore a warning that is mostly wrong.
"""

# ruff: noqa: RUF001, RUF002 - letters that look alike are what this module is about

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

_SCRIPT_RANGES = {
    "cyrillic": "\u0400-\u052f\u1c80-\u1c8f\ua640-\ua69f",
    "greek": "\u0370-\u03ff\u1f00-\u1fff",
    "armenian": "\u0530-\u058f",
    "cherokee": "\u13a0-\u13ff\uab70-\uabbf",
}
# Pairs: a letter and the Latin letter that it looks like.
_LOOKALIKE_PAIRS = {
    "cyrillic": ("аaсcеeоoрpхxуyѕsіiјjһhԁdԛqԝwӏlѵvүyёëїïАAВBСCЕEНHІIЈJКKМMОOРPЅSТTХXУYԌGԚQԜWӀIҮYЁËЇÏѴV"),
    "greek": "αaγyιiκkνvοoρpυuχxϲcϳjάáίíόóύúΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXϹCͿJ",
    "armenian": "օoոnսuհhցgյjզqՍUՏSՕO",
    "cherokee": "ᎪAᎬEᎢTᎠDᎡRᎳWᎷMᎻHᏢPᏙVᏞLᏟCᏚSᏦKᎫJᏴBᏀGᏃZᎥiᎩyᏏb",
}
_LATIN_LOOKALIKES = {
    script: dict(zip(pairs[::2], pairs[1::2], strict=True)) for script, pairs in _LOOKALIKE_PAIRS.items()
}
_LATIN_TWINS = {script: {latin: letter for letter, latin in like.items()} for script, like in _LATIN_LOOKALIKES.items()}
# A whole word of these reads as Latin; the others only pass as Latin among Latin letters.
_WHOLE_WORD_LETTERS = {
    "cyrillic": frozenset(_LATIN_LOOKALIKES["cyrillic"]),
    "greek": frozenset(letter for letter in _LATIN_LOOKALIKES["greek"] if letter.isupper() or letter in "ανορϲϳό"),
}
_MIN_WHOLE_WORD_LETTERS = {"cyrillic": 1, "greek": 3}  # two Greek letters are more often a formula than a disguise
_MAX_FORMULA_LETTERS = 60  # a longer word is not a formula

_SCRIPT_LETTER = {script: re.compile(f"[{letters}]") for script, letters in _SCRIPT_RANGES.items()}
_NON_LATIN_LETTER = re.compile(f"[{''.join(_SCRIPT_RANGES.values())}]")
_LATIN_LETTER = re.compile("[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]")
_WORD = re.compile("(?:[^\\W\\d_][\u0300-\u036f]*)+")


@dataclass(frozen=True)
class LookalikeWord:
    """The position of a word, and its look-alike letters, each with its Latin twin."""

    start: int
    end: int
    letters: tuple[tuple[str, str], ...]

    @property
    def explanation(self) -> str:
        return "; ".join(_explain_letter(letter, twin) for letter, twin in self.letters)


def _explain_letter(letter: str, twin: str) -> str:
    params = {"letter": letter, "name": unicodedata.name(letter).lower(), "twin": twin}
    return _("%(letter)s is %(name)s, not %(twin)s") % params


def may_contain_lookalikes(text: str) -> bool:
    """Whether the text has letters of the checked alphabets."""
    return not text.isascii() and _NON_LATIN_LETTER.search(text) is not None


def find_lookalikes(text: str) -> Iterator[LookalikeWord]:
    """The look-alike words of a text in order. A text without the checked alphabets costs one search."""
    if not may_contain_lookalikes(text):
        return
    found = list(_WORD.finditer(text))
    forms = {match[0] for match in found}
    native = {script for form in forms for script in _LATIN_LOOKALIKES if _is_native(form, script)}
    latin = any(_LATIN_LETTER.search(form) for form in forms)
    disguised = {form: letters for form in forms if (letters := _lookalike_letters(form, native=native, latin=latin))}
    for match in found:
        if match[0] in disguised:
            yield LookalikeWord(match.start(), match.end(), disguised[match[0]])


def _is_native(word: str, script: str) -> bool:
    """Whether the word is of that script and cannot be mistaken for a Latin word."""
    own = _SCRIPT_LETTER[script].findall(word)
    return not _LATIN_LETTER.search(word) and any(letter not in _LATIN_LOOKALIKES[script] for letter in own)


def _lookalike_letters(word: str, *, native: set[str], latin: bool) -> tuple[tuple[str, str], ...]:
    """The word's look-alike letters with their twins; empty if it is not a look-alike."""
    if not _NON_LATIN_LETTER.search(word):
        return ()
    latin_letters = _LATIN_LETTER.findall(word)
    for script, pattern in _SCRIPT_LETTER.items():
        foreign = pattern.findall(word)
        if foreign and latin_letters:
            return _mixed_script_letters(word, script, foreign, latin_letters, native=script in native)
        if foreign:
            return _whole_word_letters(script, foreign) if latin and script not in native else ()
    return ()


def _mixed_script_letters(
    word: str, script: str, foreign: list[str], latin: list[str], *, native: bool
) -> tuple[tuple[str, str], ...]:
    """The letters of the script that could pass for the other; of the rarer one if both could."""
    like, twins = _LATIN_LOOKALIKES[script], _LATIN_TWINS[script]
    if (script == "greek" and _is_formula(word, foreign)) or (native and _is_inflected(word, script)):
        return ()
    foreign_passes, latin_passes = set(foreign) <= like.keys(), set(latin) <= twins.keys()
    if foreign_passes and (len(foreign) <= len(latin) or not latin_passes):
        return _with_twins(foreign, like)
    return _with_twins(latin, twins) if latin_passes else ()


def _is_formula(word: str, greek: list[str]) -> bool:
    """`kΩ`, `αx`, `ρmax`, `TNFα`, `NFκB`, `αSyn`: a symbol among letters, not a letter among others."""
    if len(word) > _MAX_FORMULA_LETTERS:
        return False
    symbols = frozenset(greek)
    rest = [letter for letter in word if letter not in symbols]
    small = all(letter.islower() for letter in greek)
    leading = len(greek) == 1 and word[0] == greek[0] and small
    return (
        len(word) <= 3
        or (small and all(letter.isupper() for letter in rest))
        or (leading and (len(word) <= 4 or word[1].isupper()))
    )


def _is_inflected(word: str, script: str) -> bool:
    """`SMSки`, `CEOа` in Russian text: a Latin abbreviation with an ending."""
    foreign = "".join(_SCRIPT_LETTER[script].findall(word))
    stem = word.removesuffix(foreign)
    return stem != word and len(stem) >= 2 and stem.isupper() and foreign.islower()


def _whole_word_letters(script: str, letters: list[str]) -> tuple[tuple[str, str], ...]:
    if (
        script not in _WHOLE_WORD_LETTERS
        or len(letters) < _MIN_WHOLE_WORD_LETTERS[script]
        or not set(letters) <= _WHOLE_WORD_LETTERS[script]
    ):
        return ()
    return _with_twins(letters, _LATIN_LOOKALIKES[script])


def _with_twins(letters: list[str], twins: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((letter, twins[letter]) for letter in dict.fromkeys(letters))
