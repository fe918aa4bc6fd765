"""Which rules of a policy could never be why an output goes to review: contradictory ones and repeated ones. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from escalation.policies import conditions
from escalation.policies.conditions import OutputFacts, Scalar
from escalation.policies.spec import Rule

type Condition = tuple[str, str, Scalar | list[Scalar]]

_NUMERIC_RANGES = {"confidence": (0.0, 1.0), "value": (-math.inf, math.inf)}


def find_contradiction(rule: Rule, *, one_label: bool) -> str | None:
    """A subject whose conditions no output can meet together; None if there is none.

    one_label: whether an answer is one label. Of a set of labels, each condition may hold for another one.
    """
    for subject, tests in _group_conditions(rule).items():
        facts = _list_facts(subject, _list_operands(tests), one_label=one_label)
        if not any(_all_hold(tests, one) for one in facts):
            return tests[0][0]
    return None


def find_repeated(rules: Sequence[Rule]) -> Iterator[tuple[int, Rule]]:
    """The places of rules with the conditions of an earlier one, which decides first, and that one."""
    seen: dict[object, Rule] = {}
    for place, rule in enumerate(rules):
        earlier = seen.setdefault(_normalize(rule), rule)
        if earlier is not rule:
            yield place, earlier


def _group_conditions(rule: Rule) -> dict[str, list[Condition]]:
    """The conditions by the fact they read: keys of a segment that differ only in spelling are one."""
    grouped: dict[str, list[Condition]] = {}
    for subject, tests in rule.when.items():
        grouped.setdefault(_name_fact(subject), []).extend((subject, *test) for test in tests.items())
    return grouped


def _name_fact(subject: str) -> str:
    key = subject.removeprefix(conditions.SEGMENT_PREFIX)
    return subject if key == subject else conditions.SEGMENT_PREFIX + conditions.fold_text(key)


def _list_operands(tests: Sequence[Condition]) -> list[Scalar]:
    return [value for _subject, _operator, operand in tests for value in _as_list(operand)]


def _as_list(operand: Scalar | list[Scalar]) -> list[Scalar]:
    return operand if isinstance(operand, list) else [operand]


def _list_facts(subject: str, operands: Sequence[Scalar], *, one_label: bool) -> Iterator[OutputFacts]:
    """Outputs of which one meets the conditions with these operands, if any output does."""
    if subject in _NUMERIC_RANGES:
        for number in _list_numbers(subject, sorted({float(value) for value in operands})):
            yield OutputFacts(number, number, None, {})
        return
    texts = [conditions.fold_text(str(value)) for value in operands]
    if subject == "prediction":
        answers = [[text] for text in texts] if one_label else [texts]
        yield from (OutputFacts(math.nan, math.nan, labels, {}) for labels in answers)
        return
    key = subject.removeprefix(conditions.SEGMENT_PREFIX)
    yield from (OutputFacts(math.nan, math.nan, None, {key: text}) for text in texts)


def _list_numbers(subject: str, operands: Sequence[float]) -> Iterator[float]:
    """The operands, a number between each two and one beyond each end, as far as they are in the subject's range."""
    least, most = _NUMERIC_RANGES[subject]
    beyond = (max(least, math.nextafter(operands[0], -math.inf)), min(most, math.nextafter(operands[-1], math.inf)))
    between = (low / 2 + high / 2 for low, high in itertools.pairwise(operands))
    yield from (
        number for number in (*operands, *between, *beyond) if least <= number <= most and math.isfinite(number)
    )


def _all_hold(tests: Sequence[Condition], facts: OutputFacts) -> bool:
    return conditions.all_true(conditions.evaluate_condition(*test, facts) for test in tests) is True


def _normalize(rule: Rule) -> object:
    """Equal for rules that apply to the same outputs because they say the same."""
    return frozenset(
        (subject, "in" if operator == "eq" else operator, frozenset(_normalize_operands(operand)))
        for subject, tests in _group_conditions(rule).items()
        for _subject, operator, operand in tests
    )


def _normalize_operands(operand: Scalar | list[Scalar]) -> Iterator[Scalar]:
    for value in _as_list(operand):
        yield conditions.fold_text(value) if isinstance(value, str) else float(value)
