"""The label export and the report over HTTP."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterable
from typing import Any, cast

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from escalation.decisions import settle
from escalation.exports import labels
from escalation.models import Stream
from reviewqueue.http import stream_lines
from reviewqueue.models import User
from tests.helpers import stream_setup
from tests.helpers.stream_setup import Producer


def test_labels_are_streamed_as_json_lines(producer: Producer, stream: Stream, rob: User) -> None:
    stream_setup.route_outputs(stream, *stream_setup.build_outputs(3))
    for _ in range(3):
        stream_setup.judge_next(rob, "correct", "billing")
    settle.settle_items()
    answer = producer.get("streams/intents/labels", format="jsonl")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/x-ndjson")
    assert isinstance(answer, StreamingHttpResponse)
    lines = [json.loads(line) for line in b"".join(cast("Iterable[bytes]", answer)).splitlines()]
    assert {line["id"]: line["answer"] for line in lines} == {f"ticket-{number}": "billing" for number in (1, 2, 3)}


def _export(producer: Producer, *, accepts: str = "", **query: str) -> tuple[HttpResponse, bytes]:
    answer = producer.get("streams/intents/labels", accept_encoding=accepts, **query)
    return answer, b"".join(cast("Iterable[bytes]", answer))


def test_the_export_is_compressed_page_by_page_where_accepted(
    producer: Producer, stream: Stream, rob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels, "PAGE_ROWS", 2)
    stream_setup.route_outputs(stream, *stream_setup.build_outputs(5))
    for _ in range(5):
        stream_setup.judge_next(rob, "correct", "billing")
    settle.settle_items()
    _, plain = _export(producer)
    assert len(plain.splitlines()) == 5
    for accepts in ("gzip", "deflate, GZIP;q=0.5", "br, *", "gzip;q=1.000"):
        answer, packed = _export(producer, accepts=accepts)
        assert (answer["Content-Encoding"], answer["Accept-Ranges"]) == ("gzip", "none"), accepts
        assert gzip.decompress(packed) == plain
    for accepts in ("", "identity", "br", "gzip;q=0", "gzip;q=0.0, *", "*;q=0", "gzipped"):
        answer, unpacked = _export(producer, accepts=accepts)
        assert "Content-Encoding" not in answer, accepts
        assert "Accept-Encoding" in answer["Vary"]
        assert unpacked == plain
    first_page = next(iter(labels.export_labels(stream)))
    compressed = stream_lines(RequestFactory(headers={"Accept-Encoding": "gzip"}).get("/"), iter([first_page, b"x"]))
    start = next(iter(cast("Iterable[bytes]", compressed)))
    assert zlib.decompressobj(31).decompress(start) == first_page, "a page waits for no later one"


def test_nested_values_can_be_text_so_that_all_lines_have_the_same_types(
    producer: Producer, stream: Stream, rob: User
) -> None:
    inputs: list[Any] = [{"text": "a"}, "text", [1, {"b": 12345678901234567890}], None]
    outputs = [stream_setup.build_output(f"ticket-{n}", input=one, metadata={"n": n}) for n, one in enumerate(inputs)]
    stream_setup.route_outputs(stream, *outputs, stream_setup.build_output("bare", segment={"language": "de"}))
    for _ in range(5):
        stream_setup.judge_next(rob, "correct", "billing")
    settle.settle_items()
    as_sent, as_text = (
        [json.loads(line) for line in _export(producer, nested=nested)[1].splitlines()] for nested in ("json", "text")
    )
    types: dict[str, set[type]] = {}
    for line in as_text:
        for name, value in line.items():
            types.setdefault(name, set()).add(type(value))
    assert all(len(kinds - {type(None)}) <= 1 for kinds in types.values()), types
    assert {frozenset(line) for line in as_text} == {frozenset(as_sent[0])}
    nested = labels.NESTED_FIELDS
    for plain, text in zip(as_sent, as_text, strict=True):
        assert all(plain[name] == text[name] for name in plain.keys() - set(nested))
        assert all(plain[name] == (None if text[name] is None else json.loads(text[name])) for name in nested)


def test_a_stream_without_labels_gives_an_empty_response(producer: Producer) -> None:
    answer = producer.get("streams/intents/labels")
    assert answer.status_code == 200
    assert b"".join(cast("Iterable[bytes]", answer)) == b""


def test_unlabelled_audits_are_exported_on_request(producer: Producer, stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": 1.0, "mode": "after"})
    stream_setup.route_outputs(stream, stream_setup.build_output(confidence=0.9))
    responses = [producer.get("streams/intents/labels", **query) for query in ({}, {"include": "checks"})]
    assert [len(b"".join(cast("Iterable[bytes]", answer)).splitlines()) for answer in responses] == [0, 1]


@pytest.mark.parametrize("query", [{"format": "csv"}, {"since": "2026-01-01"}, {"include": "everything"}])
def test_unknown_export_parameters_are_rejected(producer: Producer, query: dict[str, str]) -> None:
    answer = producer.get("streams/intents/labels", **query)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_labels_need_their_own_scope_and_stream(stream: Stream, holding: Callable[..., Producer]) -> None:
    stream_setup.create_stream("invoices")
    assert holding("decisions:read", "outputs:write").get("streams/intents/labels").status_code == 403
    assert holding("labels:read", streams=("invoices",)).get("streams/intents/labels").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"since": "2026-02-02", "until": "2026-02-01"},
        {"since": "2024-01-01", "until": "2026-01-01"},
        {"since": "yesterday"},
        {"since": "0001-01-01", "until": "9999-12-31"},
        {"day": "2026-01-01"},
    ],
)
def test_an_invalid_report_window_is_a_problem(producer: Producer, query: dict[str, str]) -> None:
    answer: HttpResponse = producer.get("streams/intents/report", **query)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "9999-12-31"])
def test_report_days_outside_the_supported_range_are_rejected(producer: Producer, name: str, day: str) -> None:
    answer = producer.get("streams/intents/report", **{name: day})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
