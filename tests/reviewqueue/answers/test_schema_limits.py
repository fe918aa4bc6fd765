"""No JSON schema and answer take unbounded time or memory: the schema is refused, or the answer is, after few steps."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.answers import schema, schema_limits, schema_validator
from reviewqueue.answers.schema import AnswerSpec, build_answer_spec
from reviewqueue.kernel.errors import Invalid

MAX_CALLS_PER_STEP = 60
MAX_CALLS_PER_PART = 10  # of the answer, before its check begins


def _object(**rules: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": rules}}


def _nested(levels: int, wrap: Callable[[Any], Any], inner: Any) -> Any:
    for _ in range(levels):
        inner = wrap(inner)
    return inner


def _doubling(keyword: str) -> dict[str, Any]:
    """Thirty definitions, each of which refers twice to the next: 2^30 subschemas."""
    definitions: dict[str, Any] = {
        f"d{level}": {keyword: [{"$ref": f"#/$defs/d{level + 1}"}] * 2} for level in range(30)
    }
    return {"type": "object", "$defs": {**definitions, "d30": {"type": "string"}}, "$ref": "#/$defs/d0"}


REFUSED_SCHEMAS: dict[str, tuple[dict[str, Any], str]] = {
    "itself": ({"type": "object", "$ref": "#"}, "refers to itself"),
    "a loop": ({"type": "object", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
                "properties": {"x": {"$ref": "#/$defs/a"}}}, "refers to itself"),
    "a tree": ({"type": "object", "properties": {"enum": {"items": {"$ref": "#"}}}}, "refers to itself"),
    "any of": (_doubling("anyOf"), "references followed"),
    "one of": (_doubling("oneOf"), "references followed"),
    "all of": (_doubling("allOf"), "references followed"),
    "deep": (_object(**_nested(100_000, lambda inner: {"not": inner}, {})), "nested more than"),
    "wide": (_object(anyOf=[{"const": number} for number in range(3_000)]), "too large"),
    "many members": (_object(**{f"x-{number}": 1 for number in range(600)}), "at most 500 members"),
    "long": (_object(description="x" * 300_000), "too large"),
    "huge number": (_object(maximum=10**5_000), "number is too large"),
    "no number": (_object(maximum=float("inf")), "not finite"),
    "address": (_object(**{"$ref": "http://127.0.0.1:9/"}), "must point into this schema"),
    "nothing": (_object(**{"$ref": "#/$defs/absent"}), "points to nothing"),
    "anchor": (_object(**{"$anchor": "a"}), "not supported"),
    "dialect": (_object(**{"$schema": "http://json-schema.org/draft-07/schema#"}), "only at the top"),
    "look-ahead": (_object(pattern="^(?=.*x)"), "look-around"),
    "look-behind": (_object(patternProperties={"(?<!a)b": {}}), "look-around"),
    "back-reference": (_object(pattern=r"(a)\1"), "back-references"),
    "broken pattern": (_object(pattern="["), "missing"),
    "huge pattern": (_object(pattern="(x{1,1000}){1,1000}"), "repetition"),
    "unevaluated": (_object(unevaluatedProperties=False, patternProperties={"a": {}}), "cannot be combined"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED_SCHEMAS)
def test_a_schema_that_could_cost_too_much_is_refused_when_it_is_made(name: str) -> None:
    hostile, reason = REFUSED_SCHEMAS[name]
    with pytest.raises(Invalid, match=reason) as refusal:
        build_answer_spec(answers=None, multiple=False, schema=hostile)
    assert refusal.value.errors[0]["pointer"].startswith("/schema")


@contextmanager
def _few_calls(answer: Any) -> Iterator[None]:
    """Counts calls of functions, which depend on the input and not on how busy the machine is."""
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)
    parts = schema_validator._measure(answer, {})
    assert calls < MAX_CALLS_PER_STEP * schema_validator.MAX_STEPS + MAX_CALLS_PER_PART * parts


@pytest.fixture
def small_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps and calls grow together, so a fiftieth of both shows the same in a fiftieth of the time."""
    monkeypatch.setattr(schema_validator, "MAX_STEPS", schema_validator.MAX_STEPS // 50)


HOSTILE_PAIRS: dict[str, tuple[dict[str, Any], Any]] = {
    "backtracking": (_object(pattern="^(a+)+$"), "a" * 5_000 + "!"),
    "e-mail": (_object(pattern=r"^([a-zA-Z0-9._-]+)+@([a-z-]+\.)+[a-z]{2,}$"), "a" * 5_000),
    "names": (_object(patternProperties={"^(a+)+$": {}}, additionalProperties=False), {"a" * 5_000 + "!": 1}),
    "large pattern, long text": (_object(pattern="[a-q][^u-z]{900}x"), "abcdefgh" * 1_000_000),
    "many patterns": (_object(allOf=[{"pattern": f"x{n}$"} for n in range(900)]), "x" * 1_000_000),
    "unique objects": (_object(uniqueItems=True), [{"a": n, "b": [n]} for n in range(3_000)]),
    "unique numbers": (_object(uniqueItems=True), [n * (2**61 - 1) for n in range(20_000)]),
    "unique at each level": (_nested(20, lambda inner: _object(uniqueItems=True, items=inner), {})["properties"]["a"]
                             | {"type": "object"}, {"a": [[n] for n in range(30_000)]}),
    "options": (_object(items={"enum": [[n] for n in range(900)]}), [[n] for n in range(9_000)]),
    "all of them": (_object(items={"allOf": [{"minimum": n} for n in range(900)]}), list(range(100_000))),
    "contains": (_object(contains={"contains": {"contains": {"const": 1}}}), [[[0] * 60] * 60] * 60),
    "every one wrong": (_object(items={"type": "string"}), [1] * 200_000),
    "long messages": (_object(anyOf=[{"type": "string"}] * 900), [[0] * 1_000] * 200),
    "nothing to check": (_object(allOf=[{"items": True}] * 900), [1] * 200_000),
}  # fmt: skip


@pytest.mark.usefixtures("small_budget")
@pytest.mark.parametrize("name", HOSTILE_PAIRS)
def test_a_hostile_answer_is_checked_or_refused_in_few_steps(name: str) -> None:
    rules, value = HOSTILE_PAIRS[name]
    build_answer_spec(answers=None, multiple=False, schema=rules)

    answer = {"a": value} if "properties" in rules else value
    with _few_calls(answer), suppress(schema_validator.OutOfBudget):
        schema_validator.find_failures(rules, answer)


@pytest.mark.usefixtures("small_budget")
@pytest.mark.parametrize("name", sorted(REFUSED_SCHEMAS.keys() - {"deep", "huge number", "no number"}))
def test_a_schema_stored_before_the_limits_refuses_answers_and_never_crashes(name: str) -> None:
    hostile, _ = REFUSED_SCHEMAS[name]
    form = AnswerSpec(kind="structured", schema=hostile)

    answer = {"x": {"x": 1}, "enum": [{}, {"enum": [{}]}], "a": "b"}
    with _few_calls(answer), suppress(Invalid):
        schema.normalize_answer(answer, form)


@pytest.mark.usefixtures("small_budget")
def test_what_goes_into_a_message_counts() -> None:
    """Each of 900 failures would write out 200,000 numbers."""
    rules, value = HOSTILE_PAIRS["long messages"]
    with pytest.raises(schema_validator.OutOfBudget):
        schema_validator.find_failures(rules, {"a": value})


def test_an_unsupported_pattern_of_a_stored_schema_fails_closed() -> None:
    form = AnswerSpec(kind="structured", schema=_object(pattern="^(?=x)"))
    with pytest.raises(Invalid, match="Ask a manager"):
        schema.normalize_answer({"a": "x"}, form)


names = st.sampled_from(["a", "b", "ab", "ü"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 1.5, "", "a", "ab", "ü"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
patterns = st.sampled_from(["a", "^a$", "b|ü", r"\u00fc", "[ab]{2}", r"^\\u"])
schemas = st.recursive(
    st.fixed_dictionaries({}, optional={
        "type": st.sampled_from(["string", "number", "integer", "object", "array", "boolean", "null"]),
        "enum": st.lists(values, min_size=1, max_size=3),
        "const": values,
        "uniqueItems": st.booleans(),
        "pattern": patterns,
        "minimum": st.integers(-2, 2),
    }),
    lambda inner: st.fixed_dictionaries({}, optional={
        "properties": st.dictionaries(names, inner, max_size=2),
        "patternProperties": st.dictionaries(patterns, inner, max_size=2),
        "additionalProperties": inner | st.booleans(),
        "items": inner,
        "anyOf": st.lists(inner, min_size=1, max_size=2),
        "not": inner,
    }),
    max_leaves=5,
)  # fmt: skip


@given(schemas, values)
def test_the_verdict_is_that_of_the_reference_implementation(rules: dict[str, Any], value: Any) -> None:
    expected = jsonschema.Draft202012Validator(rules).is_valid(value)

    assert (not schema_validator.find_failures(rules, value)) is expected


def test_the_limits_leave_room_for_a_real_form() -> None:
    line = {"type": "object", "properties": {f"field {n}": {"type": "string", "maxLength": 200} for n in range(10)}}
    rules = {"type": "object", "properties": {"lines": {"type": "array", "items": {"$ref": "#/$defs/line"}}}}
    rules["$defs"] = {"line": line}
    schema_limits.check_limits(rules)

    assert not schema_validator.find_failures(rules, {"lines": [{f"field {n}": "x" for n in range(10)}] * 1_000})
