"""Which answers are valid, and when two answers are equal."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.answers import schema, schema_validator
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.kernel import sent_json
from reviewqueue.kernel.errors import Invalid

LABEL = AnswerSpec(kind="label", answers=["a", "b", "c"])
LABELS = AnswerSpec(kind="labels", answers=["a", "b", "c"])
INVOICE = AnswerSpec(
    kind="structured",
    schema={
        "type": "object",
        "properties": {"total": {"type": "number"}, "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}}},
        "required": ["total"],
        "additionalProperties": False,
        "$defs": {"line": {"type": "object", "properties": {"a/b": {"type": "string"}}}},
    },
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("answer", "form", "stored"),
    [
        ("b", LABEL, "b"),
        (["c", "a", "c"], LABELS, ["a", "c"]),
        ([], LABELS, []),
        ({"total": 3, "lines": [{"a/b": "x"}]}, INVOICE, {"total": 3, "lines": [{"a/b": "x"}]}),
    ],
)
def test_an_answer_is_normalized_when_stored(answer: Any, form: AnswerSpec, stored: Any) -> None:
    assert schema.normalize_answer(answer, form) == stored


def test_many_answers_and_a_long_list_of_them_take_linear_time() -> None:
    names = [f"answer {number}" for number in range(schema.MAX_ANSWERS)]
    began = time.process_time()
    form = schema.build_answer_spec(answers=names, multiple=True, schema=None)
    assert schema.normalize_answer(names[::-1] * 240, form) == names
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("answer", "form", "pointer"),
    [
        ("d", LABEL, "/answer"),
        (None, LABEL, "/answer"),
        (True, LABEL, "/answer"),
        ("a", LABELS, "/answer"),
        (["a", "x"], LABELS, "/answer/1"),
        (["a", ["b"]], LABELS, "/answer/1"),
        ({}, INVOICE, "/answer/total"),
        ([], INVOICE, "/answer"),
        ({"total": "3"}, INVOICE, "/answer/total"),
        ({"total": True}, INVOICE, "/answer/total"),
        ({"total": float("nan")}, INVOICE, "/answer"),
        ({"total": 1, "lines": [{"a/b": "\0"}]}, INVOICE, "/answer"),
        ({"total": 1, "lines": [{"a/b": 1}]}, INVOICE, "/answer/lines/0/a~1b"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_with_a_pointer(answer: Any, form: AnswerSpec, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        schema.normalize_answer(answer, form)
    assert pointer in [error["pointer"] for error in refused.value.errors]


def test_a_schema_reference_to_a_url_is_never_fetched() -> None:
    form = AnswerSpec(kind="structured", schema={"type": "object", "$ref": "http://127.0.0.1:9/schema"})
    with pytest.raises(Invalid, match="outside itself"):
        schema.normalize_answer({}, form)


@given(json_values)
def test_an_answer_equals_itself(value: Any) -> None:
    assert schema.answers_match(value, value)


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_the_order_of_fields_does_not_matter(value: dict[str, int]) -> None:
    assert schema.answers_match(value, dict(reversed(value.items())))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (None, "", False),
        ("Zürich", " Zu\u0308rich", True),
        ("a", "A", False),
        (["a", "b"], ["b", "a"], False),
        ({"a": 1}, {"a": 1, "b": None}, False),
        (1, "1", False),
    ],
)
def test_answers_match_despite_different_spellings(one: Any, other: Any, same: bool) -> None:
    assert schema.answers_match(one, other) is same


@pytest.mark.parametrize(
    ("number", "fits"),
    [
        *((number, True) for number in ("0.07", "4.35", "1.10", "3", "1e2", "123456789012345678.01", "1e-500")),
        *((number, False) for number in ("0.075", "0.0700000000000001", "123456789012345678.011")),
    ],
)
def test_a_multiple_is_one_by_its_digits(number: str, fits: bool) -> None:
    money = {"type": "object", "properties": {"total": {"type": "number", "multipleOf": 0.01}}}
    answer = sent_json.parse_sent(f'{{"total": {number}}}')
    assert (not schema_validator.find_failures(money, answer)) == fits
