"""Outputs over HTTP: valid ones are accepted, and anything malformed gets a problem document."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from escalation.ingest import wakeup
from escalation.models import Output, Stream
from escalation.routing import dispatch, record
from tests.helpers import stream_setup
from tests.helpers.stream_setup import Producer

OUTPUTS = "streams/intents/outputs"
NDJSON = "application/x-ndjson"


def _problem(answer: HttpResponse, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    document: dict[str, Any] = json.loads(answer.content)
    assert (document["status"], document["code"]) == (status, code)
    return document


def _document(answer: HttpResponse) -> Any:
    assert answer["Content-Type"] == "application/json", answer.content
    return json.loads(answer.content)


def test_a_new_output_is_received(producer: Producer) -> None:
    answer = producer.post(OUTPUTS, stream_setup.build_output())
    assert answer.status_code == 202
    assert _document(answer) == {
        "id": "ticket-1",
        "status": "received",
        "route": None,
        "reason": None,
        "pi": None,
        "policy": None,
        "decision": None,
    }


def test_a_repeated_post_returns_the_current_state(producer: Producer) -> None:
    producer.post(OUTPUTS, stream_setup.build_output(confidence=0.9))
    dispatch.route_received()
    answer = producer.post(OUTPUTS, stream_setup.build_output(confidence=0.9))
    document = _document(answer)
    assert answer.status_code == 200
    assert document["duplicate"] is True
    route = (document["status"], document["route"], document["reason"], document["policy"])
    assert route == ("decided", "auto", "above_threshold", 1)
    decision = {"answer": "refund", "by": "model", "revision": 1, "outcome": "answered"}
    assert document["decision"].items() >= decision.items()


def test_different_content_under_a_known_id_is_a_conflict(producer: Producer) -> None:
    producer.post(OUTPUTS, stream_setup.build_output())
    _problem(producer.post(OUTPUTS, stream_setup.build_output(confidence=0.99)), 409, "output_conflict")


def test_a_batch_gets_one_result_per_output_in_order(producer: Producer) -> None:
    producer.post(OUTPUTS, stream_setup.build_output("known"))
    batch = [
        stream_setup.build_output("new"),
        stream_setup.build_output("known"),
        stream_setup.build_output("known", confidence=0.1),
        stream_setup.build_output("bad", confidence=True),
        "nonsense",
        stream_setup.build_output("new"),
    ]
    answer = producer.post(OUTPUTS, batch)
    results = _document(answer)["results"]
    assert answer.status_code == 202
    assert [one["code"] for one in results] == [202, 200, 409, 400, 400, 200]
    assert [one["id"] for one in results] == ["new", "known", "known", "bad", None, "new"]
    assert results[3]["problem"]["errors"][0]["pointer"] == "/confidence"
    assert results[2]["problem"]["code"] == "output_conflict"
    assert results[5]["duplicate"] is True


@pytest.mark.parametrize("content_type", [NDJSON, "application/jsonl"])
def test_ndjson_is_a_batch_even_with_a_single_line(producer: Producer, content_type: str) -> None:
    lines = b"\n".join(json.dumps(one).encode() for one in stream_setup.build_outputs(3)) + b"\n\n{\n"
    results = _document(producer.post(OUTPUTS, raw=lines, content_type=content_type))["results"]
    assert [one["code"] for one in results] == [202, 202, 202, 400]
    (single,) = _document(producer.post(OUTPUTS, raw=lines.splitlines()[0], content_type=content_type))["results"]
    assert single["code"] == 200


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"", 400, "invalid_json"),
        (b"   ", 400, "invalid_json"),
        (b"[]", 400, "invalid"),
        (b"null", 400, "invalid"),
        (b'"x"', 400, "invalid"),
        (b"{", 400, "invalid_json"),
        (b"[{}", 400, "invalid"),
        (b"\xef\xbb\xbf{}", 400, "invalid"),
        (b"\xff\xfe{\x00}\x00", 400, "invalid_json"),
        (b'{"id": "\xe9"}', 400, "invalid_json"),
        (b'{"id": NaN}', 400, "invalid_json"),
        (b'{"confidence": 1e999}', 400, "number_out_of_range"),
        (b'{"id": "\\ud800"}', 400, "invalid_text"),
        (b'{"id": "\\u0000"}', 400, "invalid_text"),
        (b'{"id": "a", "id": "b"}', 400, "duplicate_key"),
        (b"[" * 50_000 + b"]" * 50_000, 400, "invalid"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400, "too_deep"),
        (b"[" + b"{}," * 1000 + b"{}]", 413, "too_many_elements"),
        (b"9" * 5_000, 400, "number_out_of_range"),
        (b'{"id": "' + b"x" * (8 * 1024 * 1024) + b'"}', 413, "too_large"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_malformed_body_is_a_problem(producer: Producer, raw: bytes, status: int, code: str) -> None:
    _problem(producer.post(OUTPUTS, raw=raw), status, code)
    assert not Output.objects.exists()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"content_type": "text/plain"}, "unsupported_media_type"),
        ({"content_type": "application/x-www-form-urlencoded"}, "unsupported_media_type"),
        ({"content_type": ""}, "unsupported_media_type"),
        ({"content_type": "application/json; charset=utf-16"}, "unsupported_charset"),
        ({"content_type": "application/json; charset=latin-1"}, "unsupported_charset"),
        ({"headers": {"Content-Encoding": "gzip"}}, "unsupported_encoding"),
        ({"headers": {"Content-Encoding": "br"}}, "unsupported_encoding"),
    ],
)
def test_other_content_types_and_encodings_are_rejected(producer: Producer, options: dict[str, Any], code: str) -> None:
    _problem(producer.post(OUTPUTS, stream_setup.build_output(), **options), 415, code)


def test_bodies_may_begin_with_a_byte_order_mark(producer: Producer) -> None:
    """As Windows' editors and spreadsheets write them."""
    lines = b"\n".join(json.dumps(one).encode() for one in stream_setup.build_outputs(2))
    for content_type, body in ((NDJSON, lines), ("application/json", b"[" + lines.replace(b"\n", b",") + b"]")):
        results = _document(producer.post(OUTPUTS, raw=b"\xef\xbb\xbf" + body, content_type=content_type))["results"]
        assert [one["id"] for one in results] == ["ticket-1", "ticket-2"]
        assert {one["code"] for one in results} <= {200, 202}
    single = producer.post(OUTPUTS, raw=b"\xef\xbb\xbf" + lines.splitlines()[0])
    assert (single.status_code, _document(single)["duplicate"]) == (200, True)


def test_an_explicit_utf_8_charset_is_accepted(producer: Producer) -> None:
    answer = producer.post(OUTPUTS, stream_setup.build_output(), content_type='application/json; charset="UTF-8"')
    assert answer.status_code == 202


def test_three_megabytes_of_text_are_accepted(producer: Producer) -> None:
    answer = producer.post(OUTPUTS, stream_setup.build_output(input={"text": "x" * 3_000_000}))
    assert answer.status_code == 202
    assert dispatch.route_received() == 1
    assert _document(producer.get(f"{OUTPUTS}/ticket-1"))["status"] == "in_review"


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(stream_setup.ANSWERS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_fields = ["id", "model", "prediction", "confidence", "input", "model_version", "scores", "segment", "context"]
_fields += ["metadata", "group", "language", "value", "due_at", "occurred_at", "shadow", "status", "__class__"]
_moments = st.datetimes().map(lambda moment: moment.isoformat() + "Z")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    change=st.dictionaries(st.sampled_from(_fields), _json | _moments, max_size=4),
    several=st.booleans(),
    garbage=st.binary(max_size=3),
)
def test_arbitrary_input_never_causes_a_server_error(
    producer: Producer, change: dict[str, Any], several: bool, garbage: bytes
) -> None:
    one = {**stream_setup.build_output(), **change}
    body = json.dumps([one, one] if several else one).encode() + garbage
    answer = producer.post(OUTPUTS, raw=body)
    assert answer.status_code in {200, 202, 400, 409}
    expected = "application/json" if answer.status_code in {200, 202} else "application/problem+json"
    assert answer["Content-Type"] == expected
    dispatch.route_received()
    assert not Output.objects.received().exists(), "accepted, but cannot be routed"


@pytest.mark.parametrize("name", ["a/b", "a b", "ä😀", "...", "a?b#c", "%2F", "\u202ex", "x" * 200, "decisions"])
def test_any_accepted_id_can_be_read_and_withdrawn(producer: Producer, name: str) -> None:
    assert producer.post(OUTPUTS, stream_setup.build_output(name)).status_code == 202
    answer = producer.get(f"{OUTPUTS}/{quote(name, safe='')}")
    assert _document(answer)["id"] == name
    assert _document(producer.delete(f"{OUTPUTS}/{quote(name, safe='')}"))["status"] == "withdrawn"


@pytest.mark.parametrize("name", ["nobody", "%00", "%FF", "a%00b", "x" * 5000, "%0A"])
def test_an_unknown_id_is_not_found(producer: Producer, name: str) -> None:
    _problem(producer.get(f"{OUTPUTS}/{name}"), 404, "not_found")
    _problem(producer.delete(f"{OUTPUTS}/{name}"), 404, "not_found")


def test_a_producer_who_waits_gets_the_route(producer: Producer) -> None:
    answer = producer.post(
        OUTPUTS, stream_setup.build_output(confidence=0.9), headers={"Prefer": "respond-async, wait=5"}
    )
    assert answer.status_code == 202
    assert answer["Preference-Applied"] == "wait=5"
    assert _document(answer)["decision"]["answer"] == "refund"


def test_the_wait_is_limited_to_ten_seconds(producer: Producer) -> None:
    answer = producer.post(OUTPUTS, stream_setup.build_outputs(2), headers={"Prefer": 'Wait="900"'})
    assert answer["Preference-Applied"] == "wait=10"
    assert {one["status"] for one in _document(answer)["results"]} == {"in_review"}


@pytest.mark.parametrize("prefer", ["", "wait", "wait=", "wait=soon", "wait=-1", "wait=0", "return=minimal", "await=5"])
def test_unknown_preferences_are_ignored(producer: Producer, prefer: str) -> None:
    answer = producer.post(OUTPUTS, stream_setup.build_output(), headers={"Prefer": prefer})
    assert _document(answer)["status"] == "received"
    assert "Preference-Applied" not in answer


def test_a_routing_failure_while_waiting_does_not_fail_the_post(
    producer: Producer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(record, "record_routes", fail)
        answer = producer.post(OUTPUTS, stream_setup.build_output(), headers={"Prefer": "wait=1"})
    assert answer.status_code == 202
    assert _document(answer)["status"] == "received"
    assert "Preference-Applied" not in answer
    assert dispatch.route_received() == 1


def test_an_overloaded_stream_returns_retry_after(producer: Producer) -> None:
    Stream.objects.update(waiting=10_000)
    answer = producer.post(OUTPUTS, stream_setup.build_output())
    _problem(answer, 429, "overloaded")
    assert int(answer["Retry-After"]) > 0
    assert not Output.objects.exists()


def test_a_holding_stream_accepts_outputs_but_routes_none(producer: Producer, stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, on_overload="hold")
    Stream.objects.update(waiting=10_000)
    answer = producer.post(OUTPUTS, stream_setup.build_output(confidence=0.9), headers={"Prefer": "wait=1"})
    assert answer.status_code == 202
    assert _document(answer)["status"] == "received"
    assert dispatch.route_received() == 0
    Stream.objects.update(waiting=9_999)
    assert dispatch.route_received() == 1


def test_a_key_without_the_scope_is_forbidden(stream: Stream, holding: Callable[..., Producer]) -> None:
    reader = holding("decisions:read", "labels:read", "reports:read")
    _problem(reader.post(OUTPUTS, stream_setup.build_output()), 403, "missing_scope")
    _problem(reader.get(f"{OUTPUTS}/ticket-1"), 403, "missing_scope")
    _problem(reader.delete(f"{OUTPUTS}/ticket-1"), 403, "missing_scope")


def test_a_stream_outside_the_keys_scope_is_not_found(stream: Stream, holding: Callable[..., Producer]) -> None:
    stream_setup.create_stream("invoices")
    stream_setup.post_outputs(stream, stream_setup.build_output())
    stranger = holding("outputs:write", streams=("invoices",))
    unknown = _problem(stranger.post("streams/nothing/outputs", stream_setup.build_output()), 404, "not_found")
    foreign = _problem(stranger.post(OUTPUTS, stream_setup.build_output()), 404, "not_found")
    assert foreign.keys() == unknown.keys()
    _problem(stranger.get(f"{OUTPUTS}/ticket-1"), 404, "not_found")
    _problem(stranger.delete(f"{OUTPUTS}/ticket-1"), 404, "not_found")
    assert stream_setup.find_output(stream).state == "received"


def test_requests_without_a_valid_key_are_rejected(stream: Stream, client: Any) -> None:
    for key in ("", "rq_nothing"):
        answer = Producer(client, key).post(OUTPUTS, stream_setup.build_output())
        _problem(answer, 401, "unauthenticated")
        assert answer["WWW-Authenticate"] == "Bearer"


def test_an_unsupported_method_is_a_problem(producer: Producer) -> None:
    _problem(producer.get(OUTPUTS), 405, "method_not_allowed")


def test_withdrawing_returns_the_status_and_is_idempotent(producer: Producer, stream: Stream) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output())
    for _ in range(2):
        document = _document(producer.delete(f"{OUTPUTS}/ticket-1"))
        assert document["status"] == "withdrawn"
        assert (document["decision"]["outcome"], document["decision"]["revision"]) == ("withdrawn", 1)


def test_a_database_outage_is_a_503(producer: Producer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("escalation.ingest.receive.receive_outputs", fail)
    answer = producer.post(OUTPUTS, stream_setup.build_output())
    _problem(answer, 503, "unavailable")
    assert int(answer["Retry-After"]) > 0


def test_the_worker_is_woken_only_if_an_output_is_unrouted(producer: Producer, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(wakeup, "wake_worker", lambda: calls.append("wakeup"))
    producer.post(OUTPUTS, stream_setup.build_output())
    producer.post(OUTPUTS, stream_setup.build_output())
    assert calls == ["wakeup", "wakeup"], "a repeated post may mean that the first wake-up was lost"
    producer.post(OUTPUTS, stream_setup.build_output(), headers={"Prefer": "wait=1"})
    producer.post(OUTPUTS, stream_setup.build_output())
    assert calls == ["wakeup", "wakeup"]


def test_repeating_an_unrouted_post_can_wait_for_its_route(producer: Producer, stream: Stream) -> None:
    assert _document(producer.post(OUTPUTS, stream_setup.build_output("slow")))["status"] == "received"
    again = producer.post(OUTPUTS, stream_setup.build_output("slow"), headers={"Prefer": "wait=2"})
    assert again.status_code == 200
    document = _document(again)
    assert document | {"status": "in_review", "route": "review", "duplicate": True} == document
    assert again["Preference-Applied"] == "wait=2"
