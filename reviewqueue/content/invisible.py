"""Finds invisible characters and look-alike words, so that pages can show them.

Content is untrusted: a direction override can reverse a file name, and a run of tag characters can carry a sentence
that only a machine reads. Joiners and variation selectors are left alone where writing needs them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import islice

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reviewqueue.content import lookalikes
from reviewqueue.kernel import locale_format

_BLANK_CHARACTERS = frozenset(
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u2028\u2029\u2800\u3164\uffa0"
)
_JOINERS = frozenset("\u200c\u200d")
_EMOJI_STYLE = frozenset("\ufe0e\ufe0f")
# Common visible characters: only the others are checked one by one. Latin, Greek, Cyrillic, kana, Chinese characters,
# Hangul, and punctuation.
_ORDINARY_RANGES = (
    "\t\n\r -~\u00a0-\u00ac\u00ae-\u034e\u0370-\u052f\u2010-\u2027\u2030-\u205e\u20a0-\u20bf"
    "\u3001-\u3029\u3041-\u3096\u30a0-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff9f"
)
_SUSPECT_CHARACTER = re.compile(f"[^{_ORDINARY_RANGES}]")
_MAX_NAMED_RUN_CHARACTERS = 3
_MAX_MARKED_PLACES = 2_000  # marked places in one text; nobody reads a text with more
_HIDDEN_SIGN = "\ufffd"  # replaces hidden characters after that


@dataclass(frozen=True)
class TextPiece:
    """A piece of text: plain, hidden (then `text` is a label for it), or a look-alike word.

    `title` explains hidden and look-alike pieces.
    """

    text: str
    hidden: bool = False
    title: str = ""
    lookalike: bool = False


def is_plain(text: str) -> bool:
    """A quick check: True if nothing in the text can be hidden or a look-alike, False if it has to be examined."""
    return (text.isascii() and text.isprintable()) or not (
        _SUSPECT_CHARACTER.search(text) or lookalikes.may_contain_lookalikes(text)
    )


def split_into_pieces(text: str) -> Iterator[TextPiece]:
    """The text split at hidden characters and look-alike words.

    After _MAX_MARKED_PLACES of them, one piece counts the remaining hidden characters, and the rest of the text is one
    piece in which they are replaced by a sign.
    """
    done = 0
    hidden = ((start, end, list(_run_pieces(text[start:end]))) for start, end in _hidden_runs(text))
    places = merge(hidden, _lookalike_places(text), key=lambda stretch: stretch[0])
    for start, end, shown in islice(places, _MAX_MARKED_PLACES):
        if start > done:
            yield TextPiece(text[done:start])
        yield from shown
        done = end
    if next(places, None) is not None:
        yield from _summarize_rest(text[done:])
    elif done < len(text):
        yield TextPiece(text[done:])


def _summarize_rest(rest: str) -> Iterator[TextPiece]:
    """Count and replace hidden characters by kind, not one by one, so that the cost does not grow with their number."""
    kinds = [ord(character) for character in set(rest) if _is_hidden(character, 0)]
    count = len(rest) - len(rest.translate(dict.fromkeys(kinds)))
    sentence = ngettext(
        "%(count)s more hidden character, shown as %(sign)s",
        "%(count)s more hidden characters, each shown as %(sign)s",
        count,
    )
    counted = sentence % {"count": locale_format.format_number(count, grouped=True), "sign": _HIDDEN_SIGN}
    title = _("Look-alike words are not marked from here on")
    yield TextPiece(counted if count else _("more look-alike words"), hidden=True, title=title)
    yield TextPiece(rest.translate(dict.fromkeys(kinds, _HIDDEN_SIGN)))


def _lookalike_places(text: str) -> Iterator[tuple[int, int, list[TextPiece]]]:
    for word in lookalikes.find_lookalikes(text):
        yield word.start, word.end, [TextPiece(text[word.start : word.end], title=word.explanation, lookalike=True)]


def _hidden_runs(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each run of hidden characters."""
    start = end = -1
    for found in _SUSPECT_CHARACTER.finditer(text):
        at = found.start()
        if not _is_hidden(text, at):
            continue
        if at != end:
            if end > start:
                yield start, end
            start = at
        end = at + 1
    if end > start:
        yield start, end


def _run_pieces(run: str) -> Iterator[TextPiece]:
    if len(run) > _MAX_NAMED_RUN_CHARACTERS:
        label = _("%(count)s hidden characters") % {"count": locale_format.format_number(len(run), grouped=True)}
        yield TextPiece(label, hidden=True, title=_explain_run(run))
    else:
        yield from (
            TextPiece(_code_point(character), hidden=True, title=_character_name(character)) for character in run
        )


def _is_hidden(text: str, at: int) -> bool:
    character = text[at]
    if character in _JOINERS:
        return not (_needs_joining(text[at - 1 : at]) and _needs_joining(text[at + 1 : at + 2]))
    if character in _EMOJI_STYLE:
        return not (at and (text[at - 1] in "#*0123456789" or unicodedata.category(text[at - 1]) in {"So", "Sm", "Po"}))
    return (
        character in _BLANK_CHARACTERS
        or unicodedata.category(character) in {"Cf", "Cc", "Co", "Cs"}
        or "\ufe00" <= character <= "\ufe0d"
        or "\U000e0000" <= character <= "\U000e0fff"
    )


def _needs_joining(neighbour: str) -> bool:
    """Whether a joiner beside this character is legitimate: emoji, and scripts in which it changes letters."""
    return bool(neighbour) and (
        unicodedata.category(neighbour) in {"So", "Sk", "Mn", "Mc", "Lo"} or neighbour in _EMOJI_STYLE
    )


def _code_point(character: str) -> str:
    return f"U+{ord(character):04X}"


def _character_name(character: str) -> str:
    return unicodedata.name(character, _("control character")).lower()


def _explain_run(run: str) -> str:
    """The first code points of a long run, and its ASCII text if it is spelt in tag characters."""
    spelt = "".join(chr(ord(c) - 0xE0000) for c in run if 0xE0020 <= ord(c) <= 0xE007E)
    codes = " ".join(_code_point(character) for character in run[:8])
    sentence = _("It spells: %(text)s") % {"text": spelt}
    return f"{codes} … {sentence}" if spelt else f"{codes} …"
