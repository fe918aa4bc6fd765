"""Checks an answer against a JSON schema with a budget, so that no schema and answer take unbounded time. Pure.

The budget counts steps, not seconds: the same answer always has the same result, however busy the machine is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from typing import Any

import jsonschema
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry

from reviewqueue.answers import patterns

# A few microseconds each. A list of 1,000 objects with ten fields takes some 80,000.
MAX_STEPS = 200_000
MAX_FAILURES = 1_000
_CHARACTERS_PER_STEP = 256
_PARTS_PER_STEP = 50  # jsonschema writes the whole value into the message of a failure
_MAX_DIGITS = 400  # of numbers that are divided exactly; doubles have up to 309 before the point
_PATTERN_WORK_PER_STEP = 500  # characters times the size of the pattern

type _Keyword = Callable[[Any, Any, Any, Any], Iterator[jsonschema.ValidationError] | None]


class OutOfBudget(Exception):
    """The answer takes too many steps to check."""


class _Budget:
    """`sizes` has the number of parts of each container of the answer, by its id."""

    def __init__(self, steps: int, answer: Any) -> None:
        self._left = steps
        self.sizes: dict[int, int] = {}
        _measure(answer, self.sizes)

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise OutOfBudget


_budget: ContextVar[_Budget] = ContextVar("budget")


def find_failures(schema: Mapping[str, Any], answer: Any) -> list[jsonschema.ValidationError]:
    """What is wrong with the answer, at most `MAX_FAILURES`; empty if it fits.

    Raises OutOfBudget, UnsupportedPattern, and referencing's Unresolvable. The last two, and loops of references, are
    possible only with a schema that was stored before schemas were limited.
    """
    try:
        token = _budget.set(_Budget(MAX_STEPS, answer))
    except RecursionError:
        raise OutOfBudget from None
    try:
        return list(islice(_build_validator(json.dumps(schema, sort_keys=True)).iter_errors(answer), MAX_FAILURES))
    except RecursionError:
        raise OutOfBudget from None
    finally:
        _budget.reset(token)


@lru_cache(maxsize=256)
def _build_validator(schema: str) -> Validator:
    if '"patternProperties"' in schema and '"unevaluated' in schema:
        # jsonschema would match these patterns with its own engine; schemas with both can no longer be made.
        raise patterns.UnsupportedPattern("patternProperties", "unevaluatedProperties is in the same schema")
    # An empty registry, so that a `$ref` to a URL is rejected and never fetched.
    validator: Validator = _BoundedValidator(_drop_dialects(json.loads(schema)), registry=Registry())
    return validator


def _drop_dialects(schema: Any) -> Any:
    """Without `$schema`, for which jsonschema would continue with its own, unbounded checks."""
    if isinstance(schema, dict):
        return {
            name: _drop_dialects(part)
            for name, part in schema.items()
            if not (name == "$schema" and isinstance(part, str))
        }
    return [_drop_dialects(part) for part in schema] if isinstance(schema, list) else schema


def _count_steps(check: _Keyword) -> _Keyword:
    """The check of a keyword, which costs as many steps as the value has parts."""

    def counted(validator: Any, rule: Any, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
        budget = _budget.get()
        budget.spend(1 + _size(value, budget.sizes))
        yield from check(validator, rule, value, schema) or ()

    return counted


def _measure(value: Any, sizes: dict[int, int]) -> int:
    """How many parts a value has, at every depth; a long text is several."""
    if not isinstance(value, dict | list):
        return 1 + (len(value) // _CHARACTERS_PER_STEP if isinstance(value, str) else 0)
    parts = value.values() if isinstance(value, dict) else value
    sizes[id(value)] = total = 1 + sum(_measure(part, sizes) for part in parts)
    return total


def _size(value: Any, sizes: dict[int, int]) -> int:
    if isinstance(value, dict | list):
        return len(value) + sizes.get(id(value), 0) // _PARTS_PER_STEP
    return len(value) // _CHARACTERS_PER_STEP if isinstance(value, str) else 0


def _check_pattern(validator: Any, rule: Any, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    if isinstance(value, str) and not _is_found(rule, value):
        yield jsonschema.ValidationError("The text does not match the pattern")


def _check_pattern_properties(
    validator: Any, rule: Any, value: Any, schema: Any
) -> Iterator[jsonschema.ValidationError]:
    if not isinstance(value, dict):
        return
    for pattern, subschema in rule.items():
        for name, part in value.items():
            if _is_found(pattern, name):
                yield from validator.descend(part, subschema, path=name, schema_path=pattern)


def _check_additional_properties(
    validator: Any, rule: Any, value: Any, schema: Any
) -> Iterator[jsonschema.ValidationError]:
    if not isinstance(value, dict):
        return
    known, named = schema.get("properties", {}), schema.get("patternProperties", {})
    extras = [name for name in value if name not in known and not any(_is_found(pattern, name) for pattern in named)]
    if isinstance(rule, dict):
        for name in extras:
            yield from validator.descend(value[name], rule, path=name)
    elif not rule and extras:
        yield jsonschema.ValidationError("Additional properties are not allowed")


def _check_unique_items(validator: Any, rule: Any, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    """By text, which takes one pass; comparing every pair takes seconds for a few thousand objects."""
    if not rule or not isinstance(value, list):
        return
    seen = set()
    for part in value:
        text = json.dumps(_unify_numbers(part), sort_keys=True)
        _budget.get().spend(1 + len(text) // 8)
        if text in seen:
            yield jsonschema.ValidationError("The list has duplicates")
            return
        seen.add(text)


def _check_options(validator: Any, rule: Any, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    """`enum` and, with one option, `const`."""
    _budget.get().spend(len(rule))
    text = json.dumps(_unify_numbers(value), sort_keys=True) if isinstance(value, dict | list) else None
    for option in rule:
        if text is None and not isinstance(option, dict | list):
            if option == value and isinstance(option, bool) == isinstance(value, bool):
                return
        elif text is not None and type(option) is type(value):
            _budget.get().spend(1 + len(text) // 8)
            if json.dumps(_unify_numbers(option), sort_keys=True) == text:
                return
    yield jsonschema.ValidationError("Not one of the options")


def _check_constant(validator: Any, rule: Any, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    return _check_options(validator, [rule], value, schema)


def _check_multiple(validator: Any, rule: Any, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    """By decimal digits: as doubles, 0.07 is no multiple of 0.01."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    number, unit = Decimal(repr(value)), Decimal(repr(rule))
    if max(len(number.as_tuple().digits), abs(number.adjusted())) > _MAX_DIGITS:
        yield from jsonschema.Draft202012Validator.VALIDATORS["multipleOf"](validator, rule, value, schema) or ()
    elif (Fraction(number) / Fraction(unit)).denominator != 1:
        yield jsonschema.ValidationError(f"{value!r} is not a multiple of {rule!r}")


def _unify_numbers(value: Any) -> Any:
    """With 1.0 as 1: JSON schema does not tell them apart."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _unify_numbers(part) for name, part in value.items()}
    return [_unify_numbers(part) for part in value] if isinstance(value, list) else value


def _is_found(pattern: str, text: str) -> bool:
    compiled = patterns.compile_pattern(pattern)
    _budget.get().spend(1 + len(text) * compiled.size // _PATTERN_WORK_PER_STEP)
    return compiled.is_found_in(text)


_OWN_CHECKS: dict[str, _Keyword] = {
    "pattern": _check_pattern,
    "patternProperties": _check_pattern_properties,
    "additionalProperties": _check_additional_properties,
    "uniqueItems": _check_unique_items,
    "enum": _check_options,
    "const": _check_constant,
    "multipleOf": _check_multiple,
}
_BoundedValidator = extend(  # type: ignore[no-untyped-call]  # jsonschema declares no types here
    jsonschema.Draft202012Validator,
    {
        keyword: _count_steps(check)
        for keyword, check in {**jsonschema.Draft202012Validator.VALIDATORS, **_OWN_CHECKS}.items()
    },
)
