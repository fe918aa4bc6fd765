"""The conditions of rules and segments, evaluated in three values: true, false, or unknown for want of a fact. Pure.

Nothing may be automated because a fact is absent or spelled differently, so a condition on an absent fact is unknown
rather than false, and texts are compared in a folded form. What is stored stays as it was sent.
"""

from __future__ import annotations

import functools
import math
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

type Scalar = str | float | bool
type Truth = bool | None  # None: unknown

RULE_OPERATORS = ("eq", "in", "lt", "lte", "gt", "gte")
RULE_SUBJECTS = ("confidence", "value", "prediction")
SEGMENT_PREFIX = "segment."
LANGUAGE_KEY = "language"  # of a segment


class OutputFacts(NamedTuple):
    """What conditions can read of one output.

    confidence, value: NaN if absent. labels: its predicted labels, folded; None if its answer has fields. segment:
    folded by `fold_segment`.
    """

    confidence: float
    value: float
    labels: Collection[str] | None
    segment: Mapping[str, str]


@functools.lru_cache(maxsize=8192)
def fold_text(text: str) -> str:
    """The form in which texts are compared: NFKC, without edge blanks, case-folded."""
    trimmed = unicodedata.normalize("NFKC", text).strip()
    return unicodedata.normalize("NFKC", trimmed.casefold())


def fold_segment(segment: Mapping[str, str]) -> dict[str, str]:
    """A segment with folded keys and values. Without keys that only differ in spelling but not in value: ambiguous."""
    folded: dict[str, str] = {}
    ambiguous = set()
    for key, value in segment.items():
        name, text = fold_text(key), fold_text(value)
        if folded.setdefault(name, text) != text:
            ambiguous.add(name)
    return {name: text for name, text in folded.items() if name not in ambiguous}


def all_true(truths: Iterable[Truth]) -> Truth:
    """Kleene's "and": false if one is false, otherwise unknown if one is unknown."""
    result: Truth = True
    for truth in truths:
        if truth is False:
            return False
        if truth is None:
            result = None
    return result


def evaluate_segment(when: Mapping[str, str], segment: Mapping[str, str], *, folded: Mapping[str, str]) -> Truth:
    """Whether a segment, given as sent and folded, has all of these values; unknown if only in another spelling.

    Guarantees are about values as they were sent, so another spelling may not profit from a lower threshold.
    """
    if all(segment.get(key) == value for key, value in when.items()):
        return True
    return None if all(_may_match(fold_text(key), fold_text(value), folded) for key, value in when.items()) else False


def _may_match(key: str, value: str, folded: Mapping[str, str]) -> bool:
    fact = folded.get(key)
    return fact is None or fact == value or _is_regional(key, fact, value)


def evaluate_condition(subject: str, operator: str, operand: Scalar | list[Scalar], facts: OutputFacts) -> Truth:
    """Whether a condition holds. One on `prediction` holds if any predicted label satisfies it."""
    if subject == "confidence":
        return _compare_numbers(operator, facts.confidence, operand)
    if subject == "value":
        return _compare_numbers(operator, facts.value, operand)
    if subject == "prediction":
        return None if facts.labels is None else any(_is_text(operator, label, operand) for label in facts.labels)
    key = fold_text(subject.removeprefix(SEGMENT_PREFIX))
    fact = facts.segment.get(key)
    if fact is None:
        return None
    operands = operand if isinstance(operand, list) else [operand]
    return _is_text(operator, fact, operand) or any(_is_regional(key, fact, fold_text(str(one))) for one in operands)


def _is_regional(key: str, fact: str, value: str) -> bool:
    """Whether a language is one of this language's: `de-at` and `de_at` of `de`."""
    return key == LANGUAGE_KEY and fact.replace("_", "-").startswith(value.replace("_", "-") + "-")


def check_condition(subject: str, operator: str, operand: object) -> None:
    """Raise ValueError if an operator or its operand makes no sense for a subject."""
    if operator not in RULE_OPERATORS:
        raise ValueError(f"unknown operator “{operator}”. Use one of {', '.join(RULE_OPERATORS)}")
    if (operator == "in") != isinstance(operand, list):
        raise ValueError("`in` needs a list; every other operator needs a single value")
    operands = operand if isinstance(operand, list) else [operand]
    numeric = subject in {"confidence", "value"}
    for value in operands:
        if isinstance(value, bool) or isinstance(value, str) == numeric:
            raise ValueError(f"“{subject}” can only be compared with {'numbers' if numeric else 'text'}")
        if isinstance(value, (int, float)) and not math.isfinite(value):
            raise ValueError(f"“{subject}” can only be compared with finite numbers, not {value}")
    if not numeric and operator not in {"eq", "in"}:
        raise ValueError(f"“{subject}” is text. Use eq or in")


def _is_text(operator: str, fact: str, operand: Scalar | list[Scalar]) -> bool:
    """`eq` or `in` of a folded text."""
    if operator == "in":
        return isinstance(operand, list) and any(fact == fold_text(str(one)) for one in operand)
    return fact == fold_text(str(operand))


def _compare_numbers(operator: str, fact: float, operand: Scalar | list[Scalar]) -> Truth:
    if math.isnan(fact):
        return None
    if isinstance(operand, list):
        return fact in operand
    assert isinstance(operand, (int, float))
    match operator:
        case "eq":
            return fact == operand
        case "lt":
            return fact < operand
        case "lte":
            return fact <= operand
        case "gt":
            return fact > operand
        case _:
            return fact >= operand
