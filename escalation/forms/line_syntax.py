"""Lists of a policy as lines that people write: one entry a line, an error that names its line. Pure.

`refund: 90` · `language = de, region = eu: 95` · `large amounts: value >= 1000 and prediction in refund, billing` ·
`billing -> refund: 12.00`. What has a comma, a colon or such in it stands in double quotes, as in JSON.
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
_SYMBOLS = {"=": "eq", "in": "in", "<": "lt", "<=": "lte", "≤": "lte", ">": "gt", ">=": "gte", "≥": "gte"}
_SPELLED = {"eq": "=", "in": "in", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_CONDITION = re.compile(
    rf'\s*(confidence|value|prediction|segment\.(?:{_QUOTED}|[^\s=<>≤≥"]+))\s*(<=|>=|=|<|>|≤|≥|\bin\b)\s*(.+?)\s*'
)
_AND = re.compile(rf"({_QUOTED})|\s+and\s+")
_COMMA = re.compile(rf"({_QUOTED})|,")


class LineError(ValueError):
    """A line that makes no sense; the message names it."""


def thresholds(text: str) -> dict[str, float]:
    """`answer: percent` -> share."""
    return dict(_each(text, _threshold))


def segments(text: str) -> list[dict[str, Any]]:
    """`key = value, key = value: percent`."""
    return list(_each(text, _segment))


def rules(text: str) -> list[dict[str, Any]]:
    """`name: condition and condition`."""
    return list(_each(text, _rule))


def matrix(text: str) -> dict[str, dict[str, float]]:
    """`what the AI said -> what is right: cost`."""
    found: dict[str, dict[str, float]] = {}
    for predicted, true, cost in _each(text, _cost):
        found.setdefault(predicted, {})[true] = cost
    return found


def plain(text: str) -> list[str]:
    """One entry a line, as it stands."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def pairs(text: str) -> dict[str, str]:
    """`name: word`."""
    return dict(_each(text, _pair))


def spelled_pairs(found: Mapping[str, str]) -> str:
    return "\n".join(f"{_spelled(name)}: {_spelled(word)}" for name, word in found.items())


def spelled_thresholds(found: Mapping[str, float]) -> str:
    return "\n".join(f"{_spelled(label)}: {_percent(share)}" for label, share in found.items())


def spelled_segments(found: Iterable[Mapping[str, Any]]) -> str:
    return "\n".join(
        f"{', '.join(f'{_spelled(key)} = {_spelled(value)}' for key, value in part['when'].items())}: "
        f"{_percent(part['threshold'])}"
        for part in found
    )


def spelled_rules(found: Iterable[Mapping[str, Any]]) -> str:
    return "\n".join(
        f"{_spelled(rule['name'])}: "
        + " and ".join(
            f"{_spelled_subject(subject)} {_SPELLED[operator]} {_spelled_operand(operand)}"
            for subject, tests in rule["when"].items()
            for operator, operand in tests.items()
        )
        for rule in found
    )


def spelled_matrix(found: Mapping[str, Mapping[str, float]]) -> str:
    return "\n".join(
        f"{_spelled(predicted)} -> {_spelled(true)}: {cost:.15g}"
        for predicted, row in found.items()
        for true, cost in row.items()
    )


def _each[T](text: str, read: Callable[[str], T]) -> Iterable[T]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                yield read(line.strip())
            except LineError as error:
                raise LineError(_("Line %(number)s: %(mistake)s") % {"number": number, "mistake": error}) from error


def _threshold(line: str) -> tuple[str, float]:
    match = re.fullmatch(rf"({_TEXT})\s*:\s*(.+)", line)
    if not match:
        raise LineError(_("write it as “answer: percent”, like “refund: 90”."))
    return _read(match[1]), _share(match[2])


def _pair(line: str) -> tuple[str, str]:
    match = re.fullmatch(rf"({_TEXT})\s*:\s*({_TEXT})", line)
    if not match:
        raise LineError(_("write it as “part: how”, like “rows: table”."))
    return _read(match[1]), _read(match[2])


def _segment(line: str) -> dict[str, Any]:
    pair = rf"{_TEXT}\s*=\s*{_TEXT}"
    match = re.fullmatch(rf"({pair}(?:\s*,\s*{pair})*)\s*:\s*(.+)", line)
    if not match:
        raise LineError(_("write it as “key = value: percent”, like “language = de: 95”."))
    pairs = re.findall(rf"({_TEXT})\s*=\s*({_TEXT})\s*(?:,|$)", match[1])
    return {"when": {_read(key): _read(value) for key, value in pairs}, "threshold": _share(match[2])}


def _rule(line: str) -> dict[str, Any]:
    match = re.fullmatch(rf"({_TEXT})\s*:\s*(.+)", line)
    if not match:
        raise LineError(_("write it as “name: condition”, like “large amounts: value >= 1000”."))
    when: dict[str, dict[str, Any]] = {}
    for condition in _split(_AND, match[2]):
        subject, operator, operand = _condition(condition)
        when.setdefault(subject, {})[operator] = operand
    return {"name": _read(match[1]), "when": when}


def _condition(text: str) -> tuple[str, str, Any]:
    match = _CONDITION.fullmatch(text)
    if not match:
        raise LineError(
            _(
                "“%(text)s” is no condition: compare value, confidence, prediction or segment.something "
                "by =, in, <, <=, > or >=."
            )
            % {"text": text.strip()}
        )
    subject, operator = match[1], _SYMBOLS[match[2]]
    if subject.startswith("segment."):
        subject = f"segment.{_read(subject.removeprefix('segment.'))}"
    read: Callable[[str], Any] = _number if subject in {"value", "confidence"} else _read
    operands = [read(part.strip()) for part in _split(_COMMA, match[3])]
    if operator != "in" and len(operands) > 1:
        raise LineError(_("several values need “in”."))
    return subject, operator, operands if operator == "in" else operands[0]


def _cost(line: str) -> tuple[str, str, float]:
    label = rf"(?:{_QUOTED}|[^\":]+?)"
    match = re.fullmatch(rf"({label})\s*(?:->|→)\s*({label})\s*:\s*(.+)", line)
    if not match:
        raise LineError(_("write it as “the AI’s answer -> the right one: cost”, like “billing -> refund: 12”."))  # noqa: RUF001
    return _read(match[1]), _read(match[2]), _number(match[3])


def _split(separator: re.Pattern[str], text: str) -> list[str]:
    """The parts between separators that don't stand in quotes."""
    parts, start = [], 0
    for match in separator.finditer(text):
        if match[1] is None:
            parts.append(text[start : match.start()])
            start = match.end()
    return [*parts, text[start:]]


def _read(text: str) -> str:
    text = text.strip()
    if text.startswith('"'):
        try:
            return str(json.loads(text))
        except ValueError as error:
            raise LineError(_("the quotes in %(text)s don’t match.") % {"text": text}) from error  # noqa: RUF001
    return text


def _number(text: str) -> float:
    try:
        return float(text.strip())
    except ValueError as error:
        raise LineError(_("“%(text)s” is no number.") % {"text": text.strip()}) from error


def _share(text: str) -> float:
    """Percent, with or without its sign, as a share; eight decimals, so that 92.5 stays 0.925."""
    percent = _number(text.strip().removesuffix("%"))
    if not 0 <= percent <= 100:
        raise LineError(_("“%(text)s” is not between 0 and 100 percent.") % {"text": text.strip()})
    return round(percent / 100, 10)


def _percent(share: float) -> str:
    return f"{round(share * 100, 8):.12g}"


def _spelled(text: str) -> str:
    ambiguous = not _PLAIN.fullmatch(text) or " and " in text or "->" in text or "→" in text
    return json.dumps(text, ensure_ascii=False) if ambiguous else text


def _spelled_subject(subject: str) -> str:
    if not subject.startswith("segment."):
        return subject
    key = subject.removeprefix("segment.")
    return subject if re.fullmatch(r"[\w.-]+", key) else f"segment.{json.dumps(key, ensure_ascii=False)}"


def _spelled_operand(operand: Any) -> str:
    if isinstance(operand, list):
        return ", ".join(_spelled_operand(one) for one in operand)
    return _spelled(operand) if isinstance(operand, str) else f"{operand:.15g}"
