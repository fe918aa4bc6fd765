"""Parsing posted outputs: one canonical form, and a pointer to every error."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from escalation.ingest import schema
from escalation.ingest.schema import DecodedOutput
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.kernel.errors import Invalid, Problem
from tests.helpers import invoices, stream_setup

LABEL = AnswerSpec("label", stream_setup.ANSWERS)
LABELS = AnswerSpec("labels", stream_setup.ANSWERS)
STRUCTURED = AnswerSpec(
    "structured", schema={"type": "object", "required": ["total"], "properties": {"date": {"type": "string"}}}
)


def _decoded(*, form: AnswerSpec = LABEL, raw: str = "", **fields: Any) -> DecodedOutput:
    text = raw or json.dumps(stream_setup.build_output(**fields))
    return schema.decode_output(text.encode(), form=form, secret=b"secret")


def _json_text(**fields: str | None) -> str:
    """The default output as JSON text, with these fields replaced by literal JSON, or left out where it is None."""
    usual = {name: json.dumps(value) for name, value in stream_setup.build_output().items()}
    present = {name: text for name, text in (usual | fields).items() if text is not None}
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in present.items()) + "}"


_SHORT = "a string of 1 to 200 characters without control characters"
_TIME = "an RFC 3339 date and time with a UTC offset, in the years 1900 to 9998, or null"
_NOT_AN_ANSWER = "one of the answers `billing`, `refund`, `card_arrival`"
# A field and its JSON text (None: left out), the pointer, and the sentence that the producer reads.
BAD_FIELDS: list[tuple[str, str | None, str, str]] = [
    ("id", '""', "/id", f'`id` must be {_SHORT} (got the text "")'),
    ("id", "7", "/id", f"`id` must be {_SHORT} (got 7)"),
    ("id", json.dumps("x" * 201), "/id", f"`id` must be {_SHORT} (got a text of 201 characters)"),
    ("id", r'"a\nb"', "/id", rf'`id` must be {_SHORT} (got the text "a\nb")'),
    ("id", r'"a\n"', "/id", rf'`id` must be {_SHORT} (got the text "a\n")'),
    ("id", r'"a\u007f"', "/id", f'`id` must be {_SHORT} (got the text "a\x7f")'),
    ("id", '"."', "/id", "`id` must not be `.` or `..`, which no URL can end in"),
    ("id", '".."', "/id", "`id` must not be `.` or `..`, which no URL can end in"),
    ("id", None, "/id", "`id` is required"),
    ("model", None, "/model", "`model` is required"),
    ("model", "null", "/model", f"`model` must be {_SHORT} (got null)"),
    ("prediction", None, "/prediction", "`prediction` is required"),
    ("prediction", "null", "/prediction", "`prediction` must be a string, a list or an object (got null)"),
    ("prediction", '["refund", 1]', "/prediction/1", "`prediction/1` must be a string (got 1)"),
    ("prediction", '"nonsense"', "/prediction", f'must be {_NOT_AN_ANSWER} (got the text "nonsense")'),
    (
        "prediction",
        '"Refunds"',
        "/prediction",
        f'must be {_NOT_AN_ANSWER} (got the text "Refunds"; did you mean `refund`?)',
    ),
    ("prediction", '["refund"]', "/prediction", f"must be {_NOT_AN_ANSWER} (got a list of 1 entry)"),
    ("prediction", '{"refund": 1}', "/prediction", f"must be {_NOT_AN_ANSWER} (got an object of 1 entry)"),
    ("input", None, "/input", "`input` is required"),
    ("confidence", None, "/confidence", "`confidence` is required"),
    ("confidence", "true", "/confidence", "`confidence` must be a number from 0 to 1 or null (got true)"),
    ("confidence", '"0.9"', "/confidence", '`confidence` must be a number from 0 to 1 or null (got the text "0.9")'),
    ("confidence", "[0.9]", "/confidence", "`confidence` must be a number from 0 to 1 or null (got a list of 1 entry)"),
    ("confidence", "1.0000001", "/confidence", "`confidence` must be a number from 0 to 1 or null (got 1.0000001)"),
    ("confidence", "-1e-7", "/confidence", "`confidence` must be a number from 0 to 1 or null (got -1e-7)"),
    ("confidance", "0.9", "/confidance", "unknown field `confidance`; did you mean `confidence`?"),
    ("modelVersion", '"2"', "/modelVersion", "unknown field `modelVersion`; did you mean `model_version`?"),
    ("a/b~", "1", "/a~1b~0", "unknown field `a/b~`; known are"),
    ("gold", "true", "/gold", "unknown field `gold`; known are `id`, `model`, `prediction`, `confidence`, `input`"),
    ("scores", '{"refund": "1"}', "/scores/refund", '`scores/refund` must be a number from 0 to 1 (got the text "1")'),
    ("scores", '{"a": 0, "b/c": 2}', "/scores/b~1c", "`scores/b/c` must be a number from 0 to 1 (got 2)"),
    ("segment", '{"language": 1}', "/segment/language", f"`segment/language` must be {_SHORT} (got 1)"),
    (
        "segment",
        "[]",
        "/segment",
        "`segment` must be an object of at most 20 entries or null (got a list of 0 entries)",
    ),
    ("segment", json.dumps({str(n): "x" for n in range(21)}), "/segment", "(got an object of 21 entries)"),
    ("context", "[]", "/context", "`context` must be an object or null (got a list of 0 entries)"),
    ("language", '"<b>"', "/language", 'a language tag such as `en` or `pt-BR`, or null (got the text "<b>")'),
    ("language", '"en\\n"', "/language", "a language tag such as"),
    ("group", '""', "/group", f'`group` must be {_SHORT}, or null (got the text "")'),
    ("value", '"12"', "/value", '`value` must be a number from -1e15 to 1e15 or null (got the text "12")'),
    ("value", "1e16", "/value", "`value` must be a number from -1e15 to 1e15 or null (got 1e16)"),
    ("due_at", '"2026-11-23T12:00:00"', "/due_at", f'`due_at` must be {_TIME} (got the text "2026-11-23T12:00:00")'),
    ("due_at", "1795435200", "/due_at", f"`due_at` must be {_TIME} (got 1795435200)"),
    ("due_at", '"9999-12-31T23:59:59-23:59"', "/due_at", f"`due_at` must be {_TIME}"),
    ("due_at", '"0001-01-01T00:00:00+14:00"', "/due_at", f"`due_at` must be {_TIME}"),
    ("occurred_at", '"1899-12-31T00:00:00Z"', "/occurred_at", f"`occurred_at` must be {_TIME}"),
    ("shadow", "1", "/shadow", "`shadow` must be true or false (got 1)"),
]


def test_a_refusal_names_the_field_its_rule_and_what_was_sent() -> None:
    for field, text, pointer, sentence in BAD_FIELDS:
        with pytest.raises(Invalid) as refused:
            _decoded(raw=_json_text(**{field: text}))
        (error,) = refused.value.errors
        assert error["pointer"] == pointer, (field, text)
        assert sentence in error["detail"], (field, text)
        assert error["detail"] in str(refused.value), (field, text)
        assert not re.search(r"Expected|Object|`\$|\^\[|UnsetType|NoneType", str(refused.value)), "parser talk"


def test_every_problem_of_an_output_is_listed_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        _decoded(raw=_json_text(id="7", model=None, confidance="1"))
    assert [error["pointer"] for error in refused.value.errors] == ["/confidance", "/id", "/model"]
    assert str(refused.value).endswith("did you mean `confidence`? 2 more problems in `errors`.")


def test_a_wrong_answer_names_a_dozen_of_many_answers() -> None:
    many = AnswerSpec("label", [f"answer {number}" for number in range(40)])
    with pytest.raises(Invalid, match=r"`answer 11` and 28 more \(got the text \"x\"\)"):
        _decoded(form=many, prediction="x")


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


@pytest.mark.parametrize("raw", ["", " ", "null", "3", '"x"', "true", "\ufeff\ufeff{}", "{", "{}{}"])
def test_a_body_that_is_not_an_object_is_rejected(raw: str) -> None:
    with pytest.raises((Invalid, Problem)):
        schema.decode_output(raw.encode(), form=LABEL, secret=b"")


@pytest.mark.parametrize("name", ["a/b", "...", "a b", "ü😀", "x" * 200, "\u202eabc", "%2F", "a?b#c"])
def test_an_id_may_be_any_text_without_control_characters(name: str) -> None:
    assert _decoded(id=name).posted.id == name


def test_confidence_may_be_null_but_not_missing() -> None:
    assert _decoded(confidence=None).confidence is None
    assert _decoded(raw=_json_text(confidence="1e-400")).confidence == 0.0
    assert _decoded(raw=_json_text(confidence="1")).confidence == 1.0
    # An explicit null stays null, whatever the field confidences are.
    assert _decoded(form=STRUCTURED, prediction={}, confidence=None, scores={"/date": 0.4}).confidence is None


def test_scores_of_fields_count_where_the_prediction_has_the_field() -> None:
    prediction = {"total": 3, "lines": [{"a/b": 1}]}
    scores = {"total": 0.7, "date": 0.1, "/lines/0/a~1b": 0.4}
    decoded = _decoded(form=STRUCTURED, prediction=prediction, confidence=..., scores=scores)
    assert decoded.confidence == 0.4
    assert decoded.predicted == ""
    assert json.loads(decoded.body)["scores"] == scores
    for unknown in ("/lines/1", "/lines/0/b", "datum", "", "/", "/lines/-1"):
        with pytest.raises(Invalid) as refused:
            _decoded(form=STRUCTURED, prediction=prediction, scores={unknown: 0.4})
        assert refused.value.errors[0]["pointer"].startswith("/scores/")


INVOICE = AnswerSpec("structured", schema=invoices.SCHEMA)


def _field_confidences(**sent: Any) -> dict[str, float | None]:
    decoded = _decoded(form=INVOICE, **{"prediction": invoices.ANSWER, **sent})
    assert decoded.fields is not None
    return dict(decoded.fields)


def test_a_field_is_as_sure_as_its_score_or_else_as_the_whole_prediction() -> None:
    sure = _field_confidences(confidence=0.6, scores={"total": 0.97, "/paid": 0.2})
    assert sure == {field.pointer: 0.6 for field in INVOICE.fields} | {"/total": 0.97, "/paid": 0.2}


def test_a_field_of_which_the_model_said_nothing_is_unknown() -> None:
    for confidence in (None, ...):
        sure = _field_confidences(confidence=confidence, scores={"/total": 0.97, "/number": 0.8})
        assert {field for field, share in sure.items() if share is not None} == {"/total", "/number"}
    assert _decoded(form=LABELS, prediction=[], confidence=0.5).fields is None


def test_scores_inside_and_around_a_field_limit_its_confidence() -> None:
    inside = {f"/lines/{at}/{name}": 0.9 - at / 10 for at, line in enumerate(invoices.ANSWER["lines"]) for name in line}
    assert _field_confidences(confidence=..., scores=inside)["/lines"] == 0.8
    assert _field_confidences(confidence=0.95, scores={**inside, "/lines": 0.99})["/lines"] == 0.8
    partial = {"/lines/0/amount": 0.9}
    assert _field_confidences(confidence=..., scores=partial)["/lines"] is None
    assert [_field_confidences(confidence=one, scores=partial)["/lines"] for one in (0.95, 0.7)] == [0.9, 0.7]
    around = _field_confidences(confidence=0.9, scores={"/address": 0.4, "/address/zip": 0.3})
    assert (around["/address/city"], around["/address/zip"]) == (0.4, 0.3)


def test_a_set_of_labels_keeps_what_the_model_decided_about_each() -> None:
    decoded = _decoded(form=LABELS, prediction=["refund"], confidence=..., scores={"refund": 0.9, "billing": 0.25})
    assert decoded.confidence == 0.75
    assert decoded.labels is not None
    assert (decoded.labels.predicted, decoded.labels.confidences) == (["refund"], {"refund": 0.9, "billing": 0.75})
    assert _decoded().labels is None


def test_the_language_is_part_of_the_segment_unless_that_has_one() -> None:
    assert _decoded(language="pt-BR").segment == {"language": "pt-BR"}
    assert _decoded(language="pt-BR", segment={"Language": "de", "tier": "1"}).segment == {
        "Language": "de",
        "tier": "1",
    }
    assert _decoded(segment={}).segment == {}
    assert _decoded().segment is None


def test_labels_are_kept_in_the_order_of_the_schema() -> None:
    decoded = _decoded(form=LABELS, prediction=["refund", "billing", "refund"])
    assert json.loads(decoded.body)["prediction"] == ["billing", "refund"]


def test_an_object_that_violates_its_schema_is_accepted() -> None:
    decoded = _decoded(form=STRUCTURED, prediction={"nonsense": [1]})
    assert json.loads(decoded.body)["prediction"] == {"nonsense": [1]}
    assert decoded.invalid_prediction
    assert not _decoded(form=STRUCTURED, prediction={"total": 1}).invalid_prediction
    with pytest.raises(Invalid):
        _decoded(form=STRUCTURED, prediction="refund")


def test_equivalent_spellings_have_the_same_digest() -> None:
    plain = _decoded(due_at="2026-11-23T12:00:00Z", segment={"a": "x", "b": "y"})
    same = [
        _decoded(due_at="2026-11-23T13:00:00+01:00", segment={"b": "y", "a": "x"}),
        _decoded(due_at="2026-11-23T12:00:00.000Z", segment={"a": "x", "b": "y"}, group=None, shadow=False),
    ]
    assert {one.digest for one in same} == {plain.digest}


def test_a_byte_order_mark_is_skipped_and_wider_encodings_are_named() -> None:
    plain, marked = _json_text(), "\ufeff" + _json_text()
    assert _decoded(raw=marked) == _decoded(raw=plain)
    for lines, body in ((False, f"\ufeff[{plain}]"), (True, f"{marked}\n{plain}")):
        (first, *_), several = schema.split_body(body.encode(), lines=lines)
        assert (first.decode(), several) == (plain, True)
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"):
        for lines in (False, True):
            with pytest.raises(Problem, match=r"looks like UTF-16 or UTF-32\. Send it as UTF-8") as refused:
                schema.split_body(plain.encode(encoding), lines=lines)
            assert (refused.value.status, refused.value.code) == (400, "invalid_json")


def test_the_digest_of_a_refused_output_is_that_of_its_valid_form() -> None:
    full = {
        "confidence": 1, "value": 12, "scores": {"refund": 1, "billing": 0.2}, "shadow": False, "group": None,
        "due_at": "2026-11-23T13:00:00+01:00", "occurred_at": "2026-11-23T12:00:00.5Z", "segment": {"b": "x", "a": "y"},
        "context": {"z": 1, "a": [1.0, 2]}, "metadata": {}, "language": "en", "model_version": "2",
    }  # fmt: skip
    assert {one.name for one in msgspec.structs.fields(schema.PostedOutput)} == {*full, *stream_setup.build_output()}
    for fields in ({}, full, {"confidence": None}, {"due_at": None}, {"input": 2**70}):
        raw = json.dumps(stream_setup.build_output(**fields)).encode()
        peeked = schema.peek_refused_output(raw, secret=b"secret")
        assert (peeked.external_id, peeked.digest) == ("ticket-1", _decoded(raw=raw.decode()).digest), fields


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
