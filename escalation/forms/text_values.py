"""Values as people type them: numbers, percent and lists. What is formatted parses back to the same value. Pure.

In a list, a text that could be misread goes in double quotes, as in JSON: `refund, "a, b"`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _

_PLAIN = re.compile(r"[^\s\",:#](?:[^\n\r\",:]*[^\s\",:])?")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # NUL and lone surrogates, which only an escape can bring in


class InvalidText(ValueError):
    """A text that is not a value of its kind; the message says why."""


def parse_number(text: str) -> float:
    """A number, as in `12.5`. Raises InvalidText."""
    try:
        number = float(text.strip())
    except ValueError as error:
        raise InvalidText(_("“%(text)s” is not a number.") % {"text": text.strip()}) from error
    if not math.isfinite(number):
        raise InvalidText(_("“%(text)s” is not a number.") % {"text": text.strip()})
    return number


def format_number(number: float) -> str:
    """The shortest text that is read as this very number."""
    whole = isinstance(number, int) or (number.is_integer() and abs(number) < 2**53 and math.copysign(1, number) > 0)
    return str(int(number)) if whole else repr(number)


def parse_percent(text: str) -> float:
    """Percent, with or without the sign, as the share nearest to it: 92.5 becomes exactly 0.925.

    Raises InvalidText for anything but a number from 0 to 100.
    """
    plain = text.strip().removesuffix("%").strip()
    try:
        percent = Decimal(plain)
        share = float(percent.scaleb(-2)) if 0 <= percent <= 100 else None
    except InvalidOperation as error:
        raise InvalidText(_("“%(text)s” is not a number.") % {"text": text.strip()}) from error
    if share is None:
        raise InvalidText(_("“%(text)s” is not between 0 and 100 %%.") % {"text": text.strip()})
    return share


def format_percent(share: float) -> str:
    """A share as the percent that `parse_percent` reads as this very share."""
    return f"{Decimal(repr(float(share))).scaleb(2).normalize():f}"


def parse_list(text: str) -> list[str]:
    """Texts separated by commas. Raises InvalidText."""
    return [parse_text(part) for part in split_outside_quotes(text, ",")]


def format_list(texts: Iterable[str]) -> str:
    return ", ".join(format_text(text) for text in texts)


def parse_text(text: str) -> str:
    """A text, in double quotes if it has to be. Raises InvalidText if it is empty without them."""
    if not text:
        raise InvalidText(_('A text is missing. Write an empty one as "".'))
    return decode_quoted(text) if text.startswith('"') else text


def format_text(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def decode_quoted(text: str) -> str:
    """A text in double quotes, as in JSON. Raises InvalidText."""
    try:
        decoded = str(json.loads(text))
    except ValueError as error:
        raise InvalidText(_("%(text)s is not valid quoted text. Quote it as in JSON.") % {"text": text}) from error
    if not is_storable(decoded):
        raise InvalidText(_("%(text)s contains a character that cannot be stored. Remove it.") % {"text": text})
    return decoded


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can store a text: it has no NUL and no half of a character."""
    return not _UNSTORABLE.search(text)


def split_outside_quotes(text: str, symbol: str) -> list[str]:
    """The parts between a symbol outside quotes, without blanks around them.

    A text is read once from left to right, so the time grows with its length and no faster.
    """
    parts, start = [], 0
    for at in _find_outside_quotes(text, symbol):
        parts.append(text[start:at].strip())
        start = at + len(symbol)
    return [*parts, text[start:].strip()]


def _find_outside_quotes(text: str, symbol: str) -> Iterator[int]:
    at = 0
    while at < len(text):
        if text[at] == '"':
            at = _find_quote_end(text, at)
            continue
        if text.startswith(symbol, at):
            yield at
        at += 1


def _find_quote_end(text: str, start: int) -> int:
    """The place after the quotation mark that ends the text in quotes which begins at `start`."""
    at = start + 1
    while at < len(text) and text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    if at >= len(text):
        raise InvalidText(_("A quotation mark has no counterpart. Quote the text as in JSON."))
    return at + 1
