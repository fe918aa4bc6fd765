"""Parsing and formatting lists written as text, one entry per line; errors name their line. Pure.

`refund: 90` · `language = de, region = eu: 95` · `large amounts: value >= 1000 and prediction in refund, billing` ·
`billing -> refund: 12.00`. Texts that could be misread go in double quotes, as in JSON: names with commas, colons or
similar, and whatever begins or ends with a blank.

What is formatted parses back to the same values, to the last digit. A line is read once from left to right, so the time
grows with its length and no faster.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

_PLAIN = re.compile(r"[^\s\",:=<>≤≥#-](?:[^\n\r\",:=<>≤≥#]*[^\s\",:=<>≤≥#])?")
_AMBIGUOUS = re.compile(r"(?:^|\s)(?:and|in)(?:\s|$)|->|→")
_PLAIN_KEY = re.compile(r"[\w.-]+")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # NUL and lone surrogates, which only an escape can bring in
_ARROWS = ("->", "→")
_OPERATORS_BY_SYMBOL = {"<=": "lte", ">=": "gte", "≤": "lte", "≥": "gte", "=": "eq", "<": "lt", ">": "gt", "in": "in"}
_SYMBOLS_BY_OPERATOR = {"eq": "=", "in": "in", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_NUMERIC_SUBJECTS = frozenset({"confidence", "value"})
_SEGMENT_PREFIX = "segment."


class LineSyntaxError(ValueError):
    """A line that cannot be parsed; the message names it."""


def parse_thresholds(text: str) -> dict[str, float]:
    """`answer: percent` -> share."""
    return _unique_names(_parse_lines(text, _parse_threshold))


def parse_segments(text: str) -> list[dict[str, Any]]:
    """`key = value, key = value: percent`."""
    return [part for _number, part in _parse_lines(text, _parse_segment)]


def parse_rules(text: str) -> list[dict[str, Any]]:
    """`name: condition and condition`."""
    return [rule for _number, rule in _parse_lines(text, _parse_rule)]


def parse_cost_matrix(text: str) -> dict[str, dict[str, float]]:
    """`the model's answer -> the right answer: cost`."""
    found: dict[str, dict[str, float]] = {}
    for (predicted, true), cost in _unique_names(_parse_lines(text, _parse_cost)).items():
        found.setdefault(predicted, {})[true] = cost
    return found


def parse_entries(text: str) -> list[str]:
    """One entry per line. A line that is a text in double quotes stands for that text."""
    return [entry for _number, entry in _parse_lines(text, _parse_entry)]


def parse_pairs(text: str) -> dict[str, str]:
    """`name: word`."""
    return _unique_names(_parse_lines(text, _parse_pair))


def format_entries(found: Iterable[str]) -> str:
    return "\n".join(_format_entry(entry) for entry in found)


def format_pairs(found: Mapping[str, str]) -> str:
    return "\n".join(f"{_format_text(name)}: {_format_text(word)}" for name, word in found.items())


def format_thresholds(found: Mapping[str, float]) -> str:
    return "\n".join(f"{_format_text(label)}: {format_percent(share)}" for label, share in found.items())


def format_segments(found: Iterable[Mapping[str, Any]]) -> str:
    return "\n".join(
        f"{', '.join(f'{_format_text(key)} = {_format_text(value)}' for key, value in part['when'].items())}: "
        f"{format_percent(part['threshold'])}"
        for part in found
    )


def format_rules(found: Iterable[Mapping[str, Any]]) -> str:
    return "\n".join(
        f"{_format_text(rule['name'])}: "
        + " and ".join(
            f"{_format_subject(subject)} {_SYMBOLS_BY_OPERATOR[operator]} {_format_operand(operand)}"
            for subject, tests in rule["when"].items()
            for operator, operand in tests.items()
        )
        for rule in found
    )


def format_cost_matrix(found: Mapping[str, Mapping[str, float]]) -> str:
    return "\n".join(
        f"{_format_text(predicted)} -> {_format_text(true)}: {format_number(cost)}"
        for predicted, row in found.items()
        for true, cost in row.items()
    )


def format_number(number: float) -> str:
    """The shortest text that is read as this very number."""
    whole = isinstance(number, int) or (number.is_integer() and abs(number) < 2**53 and math.copysign(1, number) > 0)
    return str(int(number)) if whole else repr(number)


def parse_percent(text: str) -> float:
    """Percent, with or without the sign, as the share nearest to it: 92.5 becomes exactly 0.925.

    Raises LineSyntaxError for what is not a number from 0 to 100.
    """
    plain = text.strip().removesuffix("%").strip()
    try:
        percent = Decimal(plain)
        share = float(percent.scaleb(-2)) if 0 <= percent <= 100 else None
    except InvalidOperation as error:
        raise LineSyntaxError(_("“%(text)s” is not a number.") % {"text": text.strip()}) from error
    if share is None:
        raise LineSyntaxError(_("“%(text)s” is not between 0 and 100 %%.") % {"text": text.strip()})
    return share


def format_percent(share: float) -> str:
    """A share as the percent that `parse_percent` reads as this very share."""
    return f"{Decimal(repr(float(share))).scaleb(2).normalize():f}"


def _parse_lines[T](text: str, read: Callable[[str], T]) -> Iterator[tuple[int, T]]:
    """The lines that are not blank, with their numbers."""
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        if line.strip():
            try:
                yield number, read(line.strip())
            except LineSyntaxError as error:
                raise _name_line(number, str(error)) from error


def _unique_names[K, V](lines: Iterable[tuple[int, tuple[K, V]]]) -> dict[K, V]:
    """Lines as a mapping; a name that is listed twice is an error, because one of its values would be lost."""
    found: dict[K, V] = {}
    for number, (name, value) in lines:
        if name in found:
            shown = " → ".join(name) if isinstance(name, tuple) else name
            raise _name_line(number, _("“%(name)s” is listed twice.") % {"name": shown})
        found[name] = value
    return found


def _name_line(number: int, error: str) -> LineSyntaxError:
    return LineSyntaxError(_("Line %(number)s: %(error)s") % {"number": number, "error": error})


def _parse_entry(line: str) -> str:
    return _decode_quoted(line) if _is_quoted(line) else line  # an ordinary entry may begin with a quotation mark


def _parse_threshold(line: str) -> tuple[str, float]:
    answer, percent = _split_in_two(line, (":",), _("write “answer: percent”, for example “refund: 90”."))
    return _parse_text(answer), parse_percent(percent)


def _parse_pair(line: str) -> tuple[str, str]:
    part, display = _split_in_two(line, (":",), _("write “part: display”, for example “rows: table”."))
    return _parse_text(part), _parse_text(display)


def _parse_segment(line: str) -> dict[str, Any]:
    example = _("write “key = value: percent”, for example “language = de: 95”.")
    condition, percent = _split_in_two(line, (":",), example)
    when: dict[str, str] = {}
    for pair in _split(condition, (",",)) if condition else []:
        key, value = (_parse_text(side) for side in _split_in_two(pair, ("=",), example))
        if key in when:
            raise LineSyntaxError(_("“%(name)s” is listed twice.") % {"name": key})
        when[key] = value
    return {"when": when, "threshold": parse_percent(percent)}


def _parse_rule(line: str) -> dict[str, Any]:
    example = _("write “name: condition”, for example “large amounts: value >= 1000”.")
    name, conditions = _split_in_two(line, (":",), example, first_only=True)
    when: dict[str, dict[str, Any]] = {}
    for condition in _split(conditions, ("and",)):
        subject, operator, operand = _parse_condition(condition)
        tests = when.setdefault(subject, {})
        if operator in tests:
            raise LineSyntaxError(
                _("“%(subject)s %(symbol)s” is written twice. Combine the two, or make two rules.")
                % {"subject": subject, "symbol": _SYMBOLS_BY_OPERATOR[operator]}
            )
        tests[operator] = operand
    return {"name": _parse_text(name), "when": when}


def _parse_condition(text: str) -> tuple[str, str, Any]:
    found = next(_find_outside_quotes(text, tuple(_OPERATORS_BY_SYMBOL)), None)
    subject = "" if found is None else _parse_subject(text[: found[0]].strip())
    operands = "" if found is None else text[found[0] + len(found[1]) :].strip()
    if found is None or not subject or not operands:
        raise LineSyntaxError(
            _(
                "“%(text)s” is not a valid condition. Compare value, confidence, prediction or segment.<key> "
                "with =, in, <, <=, > or >=."
            )
            % {"text": text.strip()}
        )
    operator = _OPERATORS_BY_SYMBOL[found[1]]
    read: Callable[[str], Any] = _parse_number if subject in _NUMERIC_SUBJECTS else _parse_text
    values = [read(part) for part in _split(operands, (",",))]
    if operator != "in" and len(values) > 1:
        raise LineSyntaxError(_("use “in” to compare with several values."))
    return subject, operator, values if operator == "in" else values[0]


def _parse_subject(text: str) -> str:
    """The field that a condition is about; empty if there is no such field."""
    if text in _NUMERIC_SUBJECTS or text == "prediction":
        return text
    key = text.removeprefix(_SEGMENT_PREFIX)
    if key == text or not key or (not key.startswith('"') and any(letter.isspace() for letter in key)):
        return ""
    return _SEGMENT_PREFIX + _parse_text(key)


def _parse_cost(line: str) -> tuple[tuple[str, str], float]:
    example = _("write “model’s answer -> right answer: cost”, for example “billing -> refund: 12”.")  # noqa: RUF001
    pair, cost = _split_in_two(line, (":",), example)
    predicted, true = _split_in_two(pair, _ARROWS, example)
    return (_parse_text(predicted), _parse_text(true)), _parse_number(cost)


def _split_in_two(text: str, symbols: tuple[str, ...], example: str, *, first_only: bool = False) -> tuple[str, str]:
    """The texts before and after the only one of these symbols, or before and after the first."""
    found = list(_find_outside_quotes(text, symbols))
    if not found or (len(found) > 1 and not first_only):
        raise LineSyntaxError(example)
    at, symbol = found[0]
    before, after = text[:at].strip(), text[at + len(symbol) :].strip()
    if not after:
        raise LineSyntaxError(example)
    return before, after


def _split(text: str, symbols: tuple[str, ...]) -> list[str]:
    """The parts between symbols outside quotes, without blanks around them."""
    parts, start = [], 0
    for at, symbol in _find_outside_quotes(text, symbols):
        parts.append(text[start:at].strip())
        start = at + len(symbol)
    return [*parts, text[start:].strip()]


def _find_outside_quotes(text: str, symbols: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """The symbols in a text with their places, the first of `symbols` that fits; words count only between blanks."""
    at = 0
    while at < len(text):
        if text[at] == '"':
            at = _find_quote_end(text, at)
            continue
        symbol = next((one for one in symbols if text.startswith(one, at) and _stands_alone(text, at, one)), "")
        if symbol:
            yield at, symbol
        at += len(symbol) or 1


def _stands_alone(text: str, at: int, symbol: str) -> bool:
    after = text[at + len(symbol) : at + len(symbol) + 1]
    return not symbol.isalpha() or (at > 0 and text[at - 1].isspace() and (after.isspace() or after == '"'))


def _find_quote_end(text: str, start: int) -> int:
    """The place after the quotation mark that ends the text in quotes which begins at `start`."""
    at = start + 1
    while at < len(text) and text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    if at >= len(text):
        raise LineSyntaxError(_("A quotation mark has no counterpart. Quote the text as in JSON."))
    return at + 1


def _parse_text(text: str) -> str:
    if not text:
        raise LineSyntaxError(_('A name is missing. Write an empty one as "".'))
    return _decode_quoted(text) if text.startswith('"') else text


def _is_quoted(text: str) -> bool:
    try:
        return isinstance(json.loads(text), str)
    except ValueError:
        return False


def _decode_quoted(text: str) -> str:
    try:
        decoded = str(json.loads(text))
    except ValueError as error:
        raise LineSyntaxError(_("%(text)s is not valid quoted text. Quote it as in JSON.") % {"text": text}) from error
    if _UNSTORABLE.search(decoded):
        raise LineSyntaxError(_("%(text)s contains a character that cannot be stored. Remove it.") % {"text": text})
    return decoded


def _parse_number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise LineSyntaxError(_("“%(text)s” is not a number.") % {"text": text}) from error


def _format_entry(entry: str) -> str:
    ambiguous = not entry or entry != entry.strip() or entry.startswith('"') or "\n" in entry or "\r" in entry
    return json.dumps(entry, ensure_ascii=False) if ambiguous else entry


def _format_text(text: str) -> str:
    ambiguous = not _PLAIN.fullmatch(text) or _AMBIGUOUS.search(text)
    return json.dumps(text, ensure_ascii=False) if ambiguous else text


def _format_subject(subject: str) -> str:
    if not subject.startswith(_SEGMENT_PREFIX):
        return subject
    key = subject.removeprefix(_SEGMENT_PREFIX)
    return subject if _PLAIN_KEY.fullmatch(key) else _SEGMENT_PREFIX + json.dumps(key, ensure_ascii=False)


def _format_operand(operand: Any) -> str:
    if isinstance(operand, list):
        return ", ".join(_format_operand(one) for one in operand)
    return _format_text(operand) if isinstance(operand, str) else format_number(operand)
