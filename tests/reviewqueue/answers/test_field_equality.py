"""The fields of an answer, and when two values of one are equal."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue.answers import field_equality
from reviewqueue.answers.field_equality import answers_match, find_different_fields
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.kernel import sent_json
from reviewqueue.kernel.errors import Invalid
from tests.helpers import invoices

_EXACT = {"type": "string", "x-equality": "exact"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _match(rules: dict[str, Any], one: Any, other: Any) -> bool:
    return answers_match({"field": one}, {"field": other}, AnswerSpec("structured", schema=_object(field=rules)))


def test_fields_are_the_leaves_of_the_schema_and_whole_lists() -> None:
    form = AnswerSpec("structured", schema=invoices.SCHEMA)
    assert [field.pointer for field in form.fields] == [
        "/supplier", "/number", "/issued", "/currency", "/total", "/discount", "/paid", "/address/city", "/address/zip",
        "/lines", "/tags", "/extra",
    ]  # fmt: skip
    odd = AnswerSpec("structured", schema=_object(**{"a/b": _object(**{"~c": {"type": "string"}})}))
    assert [field.pointer for field in odd.fields] == ["/a~1b/~0c"]
    assert AnswerSpec("label", ["a"]).fields == ()


def test_answers_with_too_many_fields_have_none_of_their_own() -> None:
    many = _object(**{f"f{number}": {"type": "string"} for number in range(400)})
    assert len(AnswerSpec("structured", schema=many).fields) == 400
    assert AnswerSpec("structured", schema=_object(one=many, other=many)).fields == ()


@pytest.mark.parametrize(
    ("rules", "one", "other", "same"),
    [
        ({"type": "string"}, "Muster &  Sohn", " muster & sohn", True),
        ({"type": "string"}, "Cafe\u0301", "CAF\u00c9", True),
        ({"type": "string"}, "Muster", "Munster", False),
        (_EXACT, "AB-1", "ab-1", False),
        (_EXACT, "AB-1", "AB-1", True),
        ({"type": "number"}, 12, 12.0, True),
        ({"type": "number"}, sent_json.parse_sent("12.50"), 12.5, True),
        ({"type": "number"}, 12.5, 12.51, False),
        ({"type": "boolean"}, True, 1, False),
        ({"type": "string", "format": "date"}, "2026-11-02", "2026-11-02T08:00:00Z", True),
        ({"type": "string", "format": "date"}, "2026-11-02", "2026-11-03", False),
        ({"type": "string", "format": "date"}, "2 November", "2 november", True),
        ({"type": "string"}, "2026-11-02", "2026-11-02T08:00:00Z", False),
        ({"type": "string", "x-equality": "day"}, "2026-11-02T23:00Z", "2026-11-02T08:00Z", True),
        ({"type": "array"}, ["a", "b"], ["b", "a"], False),
        ({"type": "array", "items": {"type": "string"}}, ["A", "b"], ["a", "B"], True),
        ({"type": "array", "items": {"type": "string"}, "x-equality": "set"}, ["a", "b", "A"], ["B", "a"], True),
        ({"type": "array", "items": {"type": "string"}, "x-equality": "set"}, ["a"], ["a", "b"], False),
        ({"type": "array", "items": _object(n=_EXACT)}, [{"n": "A"}], [{"n": "a"}], False),
        ({"type": ["string", "null"]}, None, "", False),
        (_object(city={"type": "string"}), {"city": None}, {}, True),
    ],
)  # fmt: skip
def test_values_are_equal_as_their_field_states_it(rules: dict[str, Any], one: Any, other: Any, same: bool) -> None:
    assert _match(rules, one, other) is same
    assert _match(rules, other, one) is same


def test_what_is_left_out_equals_null_and_belongs_to_the_answer() -> None:
    form = AnswerSpec("structured", schema=invoices.SCHEMA)
    without = {name: value for name, value in invoices.ANSWER.items() if name not in {"number", "address"}}
    assert answers_match(invoices.ANSWER, invoices.ANSWER | {"supplier": "MUSTER & SOHN GMBH"}, form)
    assert answers_match({**without, "address": {}}, without, form)
    different = find_different_fields(invoices.ANSWER, without, form)
    assert [pointer for pointer, differs in different.items() if differs] == ["/address/city", "/address/zip"]
    assert not answers_match(invoices.ANSWER, {**invoices.ANSWER, "unlisted": 1}, form)


def test_answers_match_exactly_where_no_field_differs() -> None:
    form = AnswerSpec("structured", schema=invoices.SCHEMA)
    for field in form.fields:
        changed = {name: value for name, value in invoices.ANSWER.items() if name != field.path[0]}
        differs = any(find_different_fields(invoices.ANSWER, changed, form).values())
        assert answers_match(invoices.ANSWER, changed, form) is not differs


@pytest.mark.parametrize(
    ("rules", "hint"),
    [
        ({"type": "string", "x-equality": "exakt"}, "Did you mean “exact”?"),
        ({"type": "array", "items": {"type": "string"}, "x-equality": "exact"}, "one of “sequence”, “set”"),
        ({"type": "number", "x-equality": "exact"}, "Only text and lists"),
    ],
)
def test_an_equality_that_does_not_fit_its_field_is_refused(rules: dict[str, Any], hint: str) -> None:
    with pytest.raises(Invalid) as refused:
        field_equality.check_equalities(_object(**{"x-equality": {"type": "string"}, "number": rules}))
    assert refused.value.errors[0]["pointer"] == "/schema/properties/number/x-equality"
    assert hint in refused.value.errors[0]["detail"]
