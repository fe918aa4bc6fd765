"""Laying out a structured answer as fields, and parsing the fields back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reviewqueue.answers.schema import is_same_answer, is_storable
from reviewqueue.desk.structured import codec, layout
from reviewqueue.desk.structured.codec import ABSENT
from reviewqueue.desk.structured.fields import AnswerField, FieldGroup, FieldLines, FormPart, StructuredForm, TypedInput
from reviewqueue.kernel import sent_json
from tests.helpers import invoices, sent_answers


def _laid(value: Any = None, *, schema: Mapping[str, Any] = invoices.SCHEMA, **options: Any) -> StructuredForm:
    told = {"proposed": ABSENT, "hints": {}} if value is None else {"proposed": value, "hints": invoices.HINTS}
    return layout.build_form(schema=schema, start=value, **told | options)


def _sent(form: StructuredForm) -> Any:
    """What is read from a form that nobody changed."""
    posted = dict(sent_answers.list_form_entries(form.parts))
    return codec.parse_json_value(posted["whole"]) if "whole" in posted else codec.parse_answer(posted)


def _fields(parts: Any) -> dict[str, AnswerField]:
    found: dict[str, AnswerField] = {}
    for part in parts:
        if isinstance(part, AnswerField):
            found[part.pointer] = part
        elif isinstance(part, FieldGroup):
            found |= _fields(part.parts)
        else:
            for line in part.lines:
                found |= _fields(line)
    return found


def _part(form: StructuredForm, pointer: str) -> FormPart:
    return next(part for part in form.parts if part.pointer == pointer)


def test_untouched_values_are_sent_unchanged() -> None:
    assert codec.parse_answer(dict(sent_answers.list_form_entries(_laid(invoices.ANSWER).parts))) == invoices.ANSWER


def test_only_uncertain_fields_are_open() -> None:
    fields = _fields(_laid(invoices.ANSWER).parts)
    assert [pointer for pointer, field in fields.items() if not field.collapsed] == [
        "/issued", "/total", "/lines/0/amount"
    ]  # fmt: skip
    assert fields["/total"].confidence == 0.41
    assert fields["/supplier"].confidence is None


def test_low_confidence_in_a_container_applies_to_its_parts() -> None:
    fields = _fields(_laid(invoices.ANSWER, hints={"/address": 0.3, "/lines": 0.2, "/lines/0/amount": 0.9}).parts)
    assert {pointer for pointer, field in fields.items() if field.confidence is not None} == {
        "/address/city", "/address/zip", "/lines/0/description", "/lines/0/quantity", "/lines/1/description",
        "/lines/1/quantity", "/lines/1/amount",
    }  # fmt: skip


def test_asked_fields_are_the_whole_form_and_open_whatever_the_confidence() -> None:
    asked = ["/supplier", "/total", "/address/city"]
    fields = _fields(_laid(invoices.ANSWER, hints={"/supplier": 0.99, "/total": 0.41}, asked=asked).parts)
    assert {
        pointer: (field.collapsed, field.confidence, field.has_low_confidence) for pointer, field in fields.items()
    } == {
        "/supplier": (False, 0.99, False), "/total": (False, 0.41, True), "/address/city": (False, None, False)
    }  # fmt: skip


def test_without_confidence_hints_all_fields_are_open() -> None:
    assert _laid(invoices.ANSWER, hints={}).collapsed_count == 0


def test_before_the_first_answer_all_fields_are_open_without_hints() -> None:
    fields = _fields(_laid().parts)
    assert not any(field.collapsed or field.value or field.proposed or field.confidence for field in fields.values())
    lines = _part(_laid(), "/lines")
    assert isinstance(lines, FieldLines)
    assert (lines.proposed, lines.lines, lines.max_lines) == (None, [], 5)


def test_fields_that_differ_from_the_ai_are_open_and_show_its_value() -> None:
    mine = {**invoices.ANSWER, "currency": "CHF", "lines": invoices.ANSWER["lines"][:1]}
    form = layout.build_form(
        schema=invoices.SCHEMA, start=mine, proposed=invoices.ANSWER, hints={"/total": 0.9, "/lines": 0.9}
    )
    fields = _fields(form.parts)
    assert (fields["/currency"].collapsed, fields["/currency"].display_proposed) == (False, "EUR")
    assert fields["/total"].collapsed
    lines = _part(form, "/lines")
    assert isinstance(lines, FieldLines)
    assert lines.resized


def test_missing_required_fields_are_open_whatever_the_confidence() -> None:
    answer = {"supplier": "ACME", "total": 1}
    fields = _fields(_laid(answer, hints={"/total": 0.99, "/currency": 0.99}).parts)
    assert not fields["/currency"].collapsed
    assert fields["/total"].collapsed


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/party"},
        {"anyOf": [{"$ref": "#/$defs/party"}, {"type": "null"}]},
        {"type": ["object", "null"], "properties": {"name": {"type": "string"}}},
    ],
)
def test_schema_references_and_nullable_types_are_resolved(schema: Any) -> None:
    root = {
        "type": "object",
        "properties": {"buyer": schema},
        "$defs": {"party": {"type": "object", "properties": {"name": {"type": "string"}}}},
    }
    values: list[dict[str, Any]] = [{"buyer": {"name": "Eve"}}, {"buyer": {}}]
    for value in values:
        form = _laid(value, schema=root)
        assert isinstance(_part(form, "/buyer"), FieldGroup)
        assert codec.parse_answer(dict(sent_answers.list_form_entries(form.parts))) == value


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/self"},
        {"$ref": "https://example.org/schema"},
        {"anyOf": [{"type": "string"}, {"type": "number"}]},
        {"type": ["string", "number"]},
        {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "string"}},
        {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
        {"allOf": [{"type": "string"}]},
        {"type": "object"},
    ],
)
def test_values_that_no_field_can_show_are_edited_as_json(schema: Any) -> None:
    root = {"type": "object", "properties": {"x": schema}, "$defs": {"self": {"$ref": "#/$defs/self"}}}
    field = _part(_laid({"x": [["a"]]}, schema=root), "/x")
    assert isinstance(field, AnswerField)
    assert field.name == "json/x"


@pytest.mark.parametrize(
    "rows",
    [[1], [None], [{}], [{"a": ""}], [{"a": "x", "more": 1}], [{"a": 3}], [{"a": "x"}] * 300, "no list"],
)
def test_lists_of_another_type_than_the_schema_are_edited_as_json(rows: Any) -> None:
    item = {"type": "object", "properties": {"a": {"type": "string"}}}
    root = {"type": "object", "properties": {"x": {"type": "array", "items": item}}}
    form = _laid({"x": rows}, schema=root)
    assert isinstance(_part(form, "/x"), AnswerField)
    assert codec.parse_answer(dict(sent_answers.list_form_entries(form.parts))) == {"x": rows}


@pytest.mark.parametrize("value", ["Mars", 3, None, "", " "])
def test_an_unlisted_value_is_kept_until_it_is_changed(value: Any) -> None:
    root = {"type": "object", "properties": {"x": {"enum": ["Venus", "Earth"]}}}
    form = _laid({"x": value}, schema=root)
    assert codec.parse_answer(dict(sent_answers.list_form_entries(form.parts))) == {"x": value}


@pytest.mark.parametrize("value", [{"x": " "}, {"x": None}, {}, {"x": ""}, {"a\nb": "y"}])
def test_blanks_in_a_nullable_field_stay_blanks(value: dict[str, Any]) -> None:
    root = {"type": "object", "properties": {"x": {"type": ["string", "null"]}}}
    assert _sent(_laid(value, schema=root, hints={"/x": 0.99})) == value


def test_lines_with_invalid_field_names_are_edited_as_json() -> None:
    item = {"type": "object", "properties": {"a\nb": {"type": "string"}}}
    root = {"type": "object", "properties": {"x": {"type": "array", "items": item}}}
    form = _laid({"x": [{"a\nb": "y"}]}, schema=root)
    assert isinstance(_part(form, "/x"), AnswerField)
    assert codec.parse_answer(dict(sent_answers.list_form_entries(form.parts))) == {"x": [{"a\nb": "y"}]}


def test_input_and_errors_are_shown_again() -> None:
    texts = dict(sent_answers.list_form_entries(_laid(invoices.ANSWER).parts)) | {
        "number/total": "lots",
        "text/lines/2/description": "more",
    }
    form = _laid(invoices.ANSWER, typed=TypedInput(texts, errors={"/total": "Enter a number.", "/lines": "Too many."}))
    fields = _fields(form.parts)
    assert (fields["/total"].value, fields["/total"].error) == ("lots", "Enter a number.")
    assert fields["/lines/2/description"].value == "more"
    lines = _part(form, "/lines")
    assert isinstance(lines, FieldLines)
    assert lines.error == "Too many."


def test_a_draft_without_fields_removes_no_lines() -> None:
    assert "/lines/1/amount" in _fields(_laid(invoices.ANSWER, typed=TypedInput()).parts)


def test_field_ids_are_unique_and_have_no_spaces() -> None:
    names = ["a b", "a\tb", "a-b", "ä", "a.b", "A b"]
    fields = _fields(_laid(dict.fromkeys(names, "x"), schema={"type": "object"}).parts)
    ids = {field.id for field in fields.values()}
    assert len(ids) == len(names)
    assert not any(character.isspace() for one in ids for character in one)


def test_a_form_never_has_more_fields_than_can_be_sent() -> None:
    rows = [{"a": "x", "b": "y"}] * 100
    item = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    lists = {"type": "object", "properties": {f"x{n}": {"type": "array", "items": item} for n in range(5)}}
    answer: dict[str, Any] = {f"x{n}": rows for n in range(5)}
    form = _laid(answer, schema=lists)
    assert {type(part) for part in form.parts} == {AnswerField}
    assert codec.parse_answer(dict(sent_answers.list_form_entries(form.parts))) == answer

    wide = {f"x{n}": "y" for n in range(2000)}
    (whole,) = _laid(wide, schema={"type": "object"}).parts
    assert isinstance(whole, AnswerField)
    assert (whole.name, codec.parse_json_value(whole.value)) == ("whole", wide)


def test_a_schema_with_only_a_list_gets_a_form_even_when_empty() -> None:
    root = {"type": "object", "properties": {"x": {"type": "array", "items": {"type": "string"}}}}
    assert isinstance(_part(_laid(schema=root), "/x"), FieldLines)


def test_a_schema_that_names_no_fields_is_filled_in_as_json() -> None:
    (whole,) = _laid(schema={"type": "object"}).parts
    assert isinstance(whole, AnswerField)
    assert (whole.name, whole.value, whole.is_json) == ("whole", "", True)


_texts = st.text() | st.text("ab \t\r\n\u2028", max_size=4)
_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _texts
_values = st.recursive(_scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3))
_names = st.sampled_from([*invoices.SCHEMA["properties"], "more", ""]) | _texts


@given(st.dictionaries(_names, _values))
@example({"total": 12, "supplier": " ", "tags": ["a", "  ", "b"]})
@example({"lines": [{"description": "\t"}], "discount": " "})
@example({"address": {"a\nb": 1}, "more\r": "\n"})
@example({"lines": [{"a\nb": 1}]})
def test_any_ai_answer_is_sent_back_unchanged(answer: dict[str, Any]) -> None:
    if not is_storable(answer):
        return
    assert is_same_answer(_sent(_laid(answer)), answer)


@given(sent_answers.objects)
def test_any_digits_and_blanks_are_sent_back_unchanged(answer: dict[str, Any]) -> None:
    assert is_same_answer(_sent(_laid(answer)), answer)


_PRICE = {"type": "object", "properties": {"amount": {"type": "number"}, "currency": {"type": "string"}}}
_ENTRY = {"type": "object", "properties": {"name": {"type": "string"}, "price": _PRICE}}
_ORDER = {"type": "object", "properties": {"lines": {"type": "array", "items": _ENTRY}}}


def test_objects_in_list_entries_have_fields_of_their_own() -> None:
    answer = {"lines": [{"name": "pen", "price": {"amount": 1.50, "currency": "EUR"}}, {"name": "ink"}]}
    lines = _part(_laid(answer, schema=_ORDER), "/lines")
    assert isinstance(lines, FieldLines)
    assert lines.columns == ["Name", "Price: Amount", "Price: Currency"]
    assert [[cell.value for cell in line] for line in lines.lines] == [["pen", "1.5", "EUR"], ["ink", "", ""]]
    typed = {"list.empty/lines": "", "text/lines/0/name": "pad", "number/lines/0/price/amount": "2.50"}
    pad = sent_json.parse_sent('{"lines": [{"name": "pad", "price": {"amount": 2.50}}]}')
    assert is_same_answer(codec.parse_answer(typed), pad)


_prices = st.none() | st.fixed_dictionaries({}, optional={"amount": st.none() | st.floats(0, 9), "currency": _texts})
_entries = st.fixed_dictionaries({}, optional={"name": _texts, "price": _prices | _values})


@given(st.lists(_entries, max_size=3))
@example([{"price": {}}, {"price": None}, {"name": "x", "price": {"amount": None}}])
def test_any_objects_in_list_entries_are_sent_back_unchanged(entries: list[Any]) -> None:
    if is_storable(entries):
        answer = {"lines": entries}
        assert is_same_answer(_sent(_laid(answer, schema=_ORDER)), answer)


@pytest.mark.parametrize(
    "value",
    [
        {"lines": [{"description": "x", "quantity": n} for n in range(5_000)]},
        {f"field {n}": n for n in range(5_000)},
    ],
    ids=["lines", "fields"],
)
def test_building_a_form_stops_at_the_field_limit(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    name = codec.build_field_name

    def counted(reader: Any, pointer: str, blank: codec.EmptyMeaning = "") -> str:
        built.append(pointer)
        return name(reader, pointer, blank)

    monkeypatch.setattr(codec, "build_field_name", counted)
    form = _laid(value)
    assert len(built) < 3 * layout.MAX_BUILT_FIELDS  # of two attempts
    monkeypatch.undo()
    assert _sent(form) == value


def test_options_are_shown_as_the_schema_writes_them() -> None:
    listed = ["usd", "in_progress", "In progress", "a\u200bb"]
    form = _laid(schema={"type": "object", "properties": {"currency": {"enum": listed}}})
    (field,) = _fields(form.parts).values()
    assert [text for _value, text in field.options if text] == [*listed[:3], "aU+200Bb"]
