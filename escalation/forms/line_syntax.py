"""Parsing and formatting lists written as text, one entry per line; errors name their line. Pure.

`refund: 90` · `language = de, region = eu: 95` · `large amounts: value >= 1000 and prediction in refund, billing` ·
`billing -> refund: 12.00`. Names with commas, colons or similar go in double quotes, as in JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

_PLAIN = re.compile(r"[^\s\",:=<>≤≥#-](?:[^\",:=<>≤≥#]*[^\s\",:=<>≤≥#])?")
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_TEXT = rf"(?:{_QUOTED}|[^\",:=<>≤≥]+?)"
_OPERATORS_BY_SYMBOL = {"=": "eq", "in": "in", "<": "lt", "<=": "lte", "≤": "lte", ">": "gt", ">=": "gte", "≥": "gte"}
_SYMBOLS_BY_OPERATOR = {"eq": "=", "in": "in", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_CONDITION = re.compile(
    rf'\s*(confidence|value|prediction|segment\.(?:{_QUOTED}|[^\s=<>≤≥"]+))\s*(<=|>=|=|<|>|≤|≥|\bin\b)\s*(.+?)\s*'
)
_AND = re.compile(rf"({_QUOTED})|\s+and\s+")
_COMMA = re.compile(rf"({_QUOTED})|,")


class LineSyntaxError(ValueError):
    """A line that cannot be parsed; the message names it."""


def parse_thresholds(text: str) -> dict[str, float]:
    """`answer: percent` -> share."""
    return dict(_parse_lines(text, _parse_threshold))


def parse_segments(text: str) -> list[dict[str, Any]]:
    """`key = value, key = value: percent`."""
    return list(_parse_lines(text, _parse_segment))


def parse_rules(text: str) -> list[dict[str, Any]]:
    """`name: condition and condition`."""
    return list(_parse_lines(text, _parse_rule))


def parse_cost_matrix(text: str) -> dict[str, dict[str, float]]:
    """`the model's answer -> the right answer: cost`."""
    found: dict[str, dict[str, float]] = {}
    for predicted, true, cost in _parse_lines(text, _parse_cost):
        found.setdefault(predicted, {})[true] = cost
    return found


def parse_entries(text: str) -> list[str]:
    """One entry per line, stripped."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def parse_pairs(text: str) -> dict[str, str]:
    """`name: word`."""
    return dict(_parse_lines(text, _parse_pair))


def format_pairs(found: Mapping[str, str]) -> str:
    return "\n".join(f"{_format_text(name)}: {_format_text(word)}" for name, word in found.items())


def format_thresholds(found: Mapping[str, float]) -> str:
    return "\n".join(f"{_format_text(label)}: {_format_percent(share)}" for label, share in found.items())


def format_segments(found: Iterable[Mapping[str, Any]]) -> str:
    return "\n".join(
        f"{', '.join(f'{_format_text(key)} = {_format_text(value)}' for key, value in part['when'].items())}: "
        f"{_format_percent(part['threshold'])}"
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
        f"{_format_text(predicted)} -> {_format_text(true)}: {cost:.15g}"
        for predicted, row in found.items()
        for true, cost in row.items()
    )


def _parse_lines[T](text: str, read: Callable[[str], T]) -> Iterable[T]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                yield read(line.strip())
            except LineSyntaxError as error:
                raise LineSyntaxError(_("Line %(number)s: %(error)s") % {"number": number, "error": error}) from error


def _parse_threshold(line: str) -> tuple[str, float]:
    match = re.fullmatch(rf"({_TEXT})\s*:\s*(.+)", line)
    if not match:
        raise LineSyntaxError(_("write “answer: percent”, for example “refund: 90”."))
    return _parse_text(match[1]), _parse_percent(match[2])


def _parse_pair(line: str) -> tuple[str, str]:
    match = re.fullmatch(rf"({_TEXT})\s*:\s*({_TEXT})", line)
    if not match:
        raise LineSyntaxError(_("write “part: display”, for example “rows: table”."))
    return _parse_text(match[1]), _parse_text(match[2])


def _parse_segment(line: str) -> dict[str, Any]:
    pair = rf"{_TEXT}\s*=\s*{_TEXT}"
    match = re.fullmatch(rf"({pair}(?:\s*,\s*{pair})*)\s*:\s*(.+)", line)
    if not match:
        raise LineSyntaxError(_("write “key = value: percent”, for example “language = de: 95”."))
    pairs = re.findall(rf"({_TEXT})\s*=\s*({_TEXT})\s*(?:,|$)", match[1])
    return {
        "when": {_parse_text(key): _parse_text(value) for key, value in pairs},
        "threshold": _parse_percent(match[2]),
    }


def _parse_rule(line: str) -> dict[str, Any]:
    match = re.fullmatch(rf"({_TEXT})\s*:\s*(.+)", line)
    if not match:
        raise LineSyntaxError(_("write “name: condition”, for example “large amounts: value >= 1000”."))
    when: dict[str, dict[str, Any]] = {}
    for condition in _split_unquoted(_AND, match[2]):
        subject, operator, operand = _parse_condition(condition)
        when.setdefault(subject, {})[operator] = operand
    return {"name": _parse_text(match[1]), "when": when}


def _parse_condition(text: str) -> tuple[str, str, Any]:
    match = _CONDITION.fullmatch(text)
    if not match:
        raise LineSyntaxError(
            _(
                "“%(text)s” is not a valid condition. Compare value, confidence, prediction or segment.<key> "
                "with =, in, <, <=, > or >=."
            )
            % {"text": text.strip()}
        )
    subject, operator = match[1], _OPERATORS_BY_SYMBOL[match[2]]
    if subject.startswith("segment."):
        subject = f"segment.{_parse_text(subject.removeprefix('segment.'))}"
    read: Callable[[str], Any] = _parse_number if subject in {"value", "confidence"} else _parse_text
    operands = [read(part.strip()) for part in _split_unquoted(_COMMA, match[3])]
    if operator != "in" and len(operands) > 1:
        raise LineSyntaxError(_("use “in” to compare with several values."))
    return subject, operator, operands if operator == "in" else operands[0]


def _parse_cost(line: str) -> tuple[str, str, float]:
    label = rf"(?:{_QUOTED}|[^\":]+?)"
    match = re.fullmatch(rf"({label})\s*(?:->|→)\s*({label})\s*:\s*(.+)", line)
    if not match:
        raise LineSyntaxError(_("write “model’s answer -> right answer: cost”, for example “billing -> refund: 12”."))  # noqa: RUF001
    return _parse_text(match[1]), _parse_text(match[2]), _parse_number(match[3])


def _split_unquoted(separator: re.Pattern[str], text: str) -> list[str]:
    """The parts between separators outside quotes."""
    parts, start = [], 0
    for match in separator.finditer(text):
        if match[1] is None:
            parts.append(text[start : match.start()])
            start = match.end()
    return [*parts, text[start:]]


def _parse_text(text: str) -> str:
    text = text.strip()
    if text.startswith('"'):
        try:
            return str(json.loads(text))
        except ValueError as error:
            raise LineSyntaxError(
                _("%(text)s is not valid quoted text. Quote it as in JSON.") % {"text": text}
            ) from error
    return text


def _parse_number(text: str) -> float:
    try:
        return float(text.strip())
    except ValueError as error:
        raise LineSyntaxError(_("“%(text)s” is not a number.") % {"text": text.strip()}) from error


def _parse_percent(text: str) -> float:
    """Percent, with or without the sign, as a share, rounded so that 92.5 becomes exactly 0.925."""
    percent = _parse_number(text.strip().removesuffix("%"))
    if not 0 <= percent <= 100:
        raise LineSyntaxError(_("“%(text)s” is not between 0 and 100 %%.") % {"text": text.strip()})
    return round(percent / 100, 10)


def _format_percent(share: float) -> str:
    return f"{round(share * 100, 8):.12g}"


def _format_text(text: str) -> str:
    ambiguous = not _PLAIN.fullmatch(text) or " and " in text or "->" in text or "→" in text
    return json.dumps(text, ensure_ascii=False) if ambiguous else text


def _format_subject(subject: str) -> str:
    if not subject.startswith("segment."):
        return subject
    key = subject.removeprefix("segment.")
    return subject if re.fullmatch(r"[\w.-]+", key) else f"segment.{json.dumps(key, ensure_ascii=False)}"


def _format_operand(operand: Any) -> str:
    if isinstance(operand, list):
        return ", ".join(_format_operand(one) for one in operand)
    return _format_text(operand) if isinstance(operand, str) else f"{operand:.15g}"
