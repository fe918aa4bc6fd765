"""Parsing posted outputs: one canonical form, and a pointer to every error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from escalation.ingest import schema
from escalation.ingest.schema import DecodedOutput
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.kernel.errors import Invalid, Problem
from tests.helpers import stream_setup

LABEL = AnswerSpec("label", stream_setup.ANSWERS)
LABELS = AnswerSpec("labels", stream_setup.ANSWERS)
STRUCTURED = AnswerSpec("structured", schema={"type": "object", "required": ["total"]})


def _decoded(*, form: AnswerSpec = LABEL, raw: str = "", **fields: Any) -> DecodedOutput:
    text = raw or json.dumps(stream_setup.build_output(**fields))
    return schema.decode_output(text.encode(), form=form, secret=b"secret")


def _json_text(**fields: str) -> str:
    """The default output as JSON text, with these fields replaced by literal JSON."""
    usual = {name: json.dumps(value) for name, value in stream_setup.build_output().items()}
    return "{" + ",".join(f'"{name}":{text}' for name, text in (usual | fields).items()) + "}"


@pytest.mark.parametrize(
    ("field", "text", "pointer"),
    [
        ("id", '""', "/id"),
        ("id", "7", "/id"),
        ("id", json.dumps("x" * 201), "/id"),
        ("id", r'"a\nb"', "/id"),
        ("id", r'"a\n"', "/id"),
        ("id", r'"a\u007f"', "/id"),
        ("model", "null", "/model"),
        ("prediction", "null", "/prediction"),
        ("prediction", '"nonsense"', "/prediction"),
        ("prediction", '["refund"]', "/prediction"),
        ("prediction", '{"refund": 1}', "/prediction"),
        ("confidence", "true", "/confidence"),
        ("confidence", "false", "/confidence"),
        ("confidence", '"0.9"', "/confidence"),
        ("confidence", "[0.9]", "/confidence"),
        ("confidence", "1.0000001", "/confidence"),
        ("confidence", "-0.0000001", "/confidence"),
        ("scores", '{"refund": "1"}', "/scores"),
        ("scores", '{"refund": 1.1}', "/scores"),
        ("segment", '{"language": 1}', "/segment"),
        ("segment", json.dumps({str(number): "x" for number in range(21)}), "/segment"),
        ("context", "[]", "/context"),
        ("language", '"en\\n"', "/language"),
        ("language", '"<b>"', "/language"),
        ("group", '""', "/group"),
        ("value", '"12"', "/value"),
        ("value", "1e16", "/value"),
        ("due_at", '"2026-11-23T12:00:00"', "/due_at"),
        ("due_at", '"tomorrow"', "/due_at"),
        ("due_at", "1795435200", "/due_at"),
        ("due_at", '"9999-12-31T23:59:59-23:59"', "/due_at"),
        ("due_at", '"0001-01-01T00:00:00+14:00"', "/due_at"),
        ("occurred_at", '"1899-12-31T00:00:00Z"', "/occurred_at"),
        ("shadow", "1", "/shadow"),
        ("status", '"decided"', ""),
        ("policy", "1", ""),
        ("gold", "true", ""),
    ],
)
def test_an_invalid_field_is_rejected_with_a_pointer(field: str, text: str, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        _decoded(raw=_json_text(**{field: text}))
    assert refused.value.errors[0]["pointer"] == pointer


def test_an_invalid_field_says_what_it_must_be() -> None:
    with pytest.raises(Invalid) as refused:
        _decoded(raw=_json_text(confidence="true"))
    assert str(refused.value) == "Invalid output: `confidence` must be a number from 0 to 1 or null."
    assert refused.value.errors[0]["detail"] == "`confidence` must be a number from 0 to 1 or null"


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("confidence", "NaN", "invalid_json"),
        ("confidence", "Infinity", "invalid_json"),
        ("value", "1e999", "number_out_of_range"),
        ("input", "9" * 400, "number_out_of_range"),
        ("input", r'"a\u0000b"', "invalid_text"),
        ("input", r'{"a\u0000b": 1}', "invalid_text"),
        ("input", r'"\ud800"', "invalid_text"),
        ("input", r'"\udc00\ud800"', "invalid_text"),
        ("id", r'"\u0000"', "invalid_text"),
        ("input", '{"a": 1, "a": 2}', "duplicate_key"),
        ("confidence", '0.3, "confidence": 0.99', "duplicate_key"),
        ("input", "[" * 65 + "]" * 65, "too_deep"),
        ("input", "[" * 50_000 + "]" * 50_000, "too_deep"),
        ("input", "'a'", "invalid_json"),
    ],
)
def test_ambiguous_json_is_rejected(field: str, text: str, code: str) -> None:
    with pytest.raises(Problem) as refused:
        _decoded(raw=_json_text(**{field: text}))
    assert (refused.value.status, refused.value.code) == (400, code)


@pytest.mark.parametrize("missing", ["id", "model", "prediction", "confidence", "input"])
def test_five_fields_are_required(missing: str) -> None:
    with pytest.raises(Invalid, match=missing):
        _decoded(raw=json.dumps({k: v for k, v in stream_setup.build_output().items() if k != missing}))


@pytest.mark.parametrize("raw", ["", " ", "null", "3", '"x"', "true", "\ufeff{}", "{", "{}{}"])
def test_a_body_that_is_not_an_object_is_rejected(raw: str) -> None:
    with pytest.raises((Invalid, Problem)):
        schema.decode_output(raw.encode(), form=LABEL, secret=b"")


@pytest.mark.parametrize("name", ["a/b", "..", "a b", "ü😀", "x" * 200, "\u202eabc", "%2F", "a?b#c"])
def test_an_id_may_be_any_text_without_control_characters(name: str) -> None:
    assert _decoded(id=name).posted.id == name


def test_confidence_may_be_null_but_not_missing() -> None:
    assert _decoded(confidence=None).confidence is None
    assert _decoded(raw=_json_text(confidence="1e-400")).confidence == 0.0
    assert _decoded(raw=_json_text(confidence="1")).confidence == 1.0
    # An explicit null stays null, whatever the field confidences are.
    assert _decoded(form=STRUCTURED, prediction={}, confidence=None, scores={"/a": 0.4}).confidence is None


def test_the_lowest_field_confidence_counts_if_there_is_no_overall_one() -> None:
    decoded = _decoded(form=STRUCTURED, prediction={"total": 3}, confidence=..., scores={"/total": 0.7, "/date": 0.4})
    assert decoded.confidence == 0.4
    assert decoded.predicted == ""


def test_labels_are_kept_in_the_order_of_the_schema() -> None:
    decoded = _decoded(form=LABELS, prediction=["refund", "billing", "refund"])
    assert json.loads(decoded.body)["prediction"] == ["billing", "refund"]


def test_an_object_that_violates_its_schema_is_accepted() -> None:
    decoded = _decoded(form=STRUCTURED, prediction={"nonsense": [1]})
    assert json.loads(decoded.body)["prediction"] == {"nonsense": [1]}
    with pytest.raises(Invalid):
        _decoded(form=STRUCTURED, prediction="refund")


def test_equivalent_spellings_have_the_same_digest() -> None:
    plain = _decoded(due_at="2026-11-23T12:00:00Z", segment={"a": "x", "b": "y"})
    same = [
        _decoded(due_at="2026-11-23T13:00:00+01:00", segment={"b": "y", "a": "x"}),
        _decoded(due_at="2026-11-23T12:00:00.000Z", segment={"a": "x", "b": "y"}, group=None, shadow=False),
    ]
    assert {one.digest for one in same} == {plain.digest}


@pytest.mark.parametrize(
    "change",
    [
        {"confidence": 0.63},
        {"confidence": None},
        {"prediction": "billing"},
        {"input": {"text": "I was charged twice "}},
        {"model_version": "2"},
        {"segment": {}},
        {"metadata": {"a": 1}},
        {"value": 0},
        {"shadow": True},
    ],
)
def test_different_content_has_a_different_digest(change: dict[str, Any]) -> None:
    assert _decoded(**change).digest != _decoded().digest


def test_the_digest_depends_on_the_secret() -> None:
    raw = json.dumps(stream_setup.build_output()).encode()
    assert (
        schema.decode_output(raw, form=LABEL, secret=b"a").digest
        != schema.decode_output(raw, form=LABEL, secret=b"b").digest
    )


def test_numbers_are_stored_as_they_were_sent() -> None:
    decoded = _decoded(raw=_json_text(input=f"[{2**70}, {-(2**70)}, 1e300, 0.1, -0.0]"))
    assert json.loads(decoded.body)["input"] == [2**70, -(2**70), 1e300, 0.1, -0.0]


def test_a_body_is_one_object_an_array_or_lines() -> None:
    assert schema.split_body(b' {"a": 1}', lines=False) == ([b' {"a": 1}'], False)
    assert schema.split_body(b'\n[{"a": 1}, 2, null]', lines=False) == ([b'{"a": 1}', b"2", b"null"], True)
    assert schema.split_body(b'{"a": 1}\r\n\n{"b": 2}\n', lines=True) == ([b'{"a": 1}', b'{"b": 2}'], True)


@pytest.mark.parametrize(
    ("body", "lines"),
    [(b"[]", False), (b"", True), (b"\n \n", True), (b"[1,]", False), (b"[1] x", False), (b"[NaN]", False)],
)
def test_a_body_without_outputs_is_rejected(body: bytes, lines: bool) -> None:
    with pytest.raises(Invalid):
        schema.split_body(body, lines=lines)


def test_a_deep_or_long_array_is_rejected_before_parsing_its_outputs() -> None:
    with pytest.raises(Invalid):
        schema.split_body(b"[" * 50_000 + b"]" * 50_000, lines=False)
    assert len(schema.split_body(b"[" + b"1," * 999 + b"1]", lines=False)[0]) == 1000
    with pytest.raises(schema.TooManyOutputs):
        schema.split_body(b"[" + b"1," * 1000 + b"1]", lines=False)
    with pytest.raises(Problem, match="JSON values"):
        schema.split_body(b"[" + b"1," * 4_000_000 + b"1]", lines=False)
    with pytest.raises(Invalid, match="at most"):
        schema.split_body(b"1\n" * 4_000_000, lines=True)
    with pytest.raises(schema.TooManyOutputs):
        schema.split_body(b"1\n" * 1001, lines=True)
