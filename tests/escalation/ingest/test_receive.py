"""Receiving outputs: one id is one output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from escalation.ingest import receive, schema
from escalation.ingest.receive import IngestResult
from escalation.models import ExternalId, Output, Payload, Stream
from escalation.routing import dispatch
from reviewqueue.models import Event
from tests.helpers import stream_setup


def _codes(results: Sequence[IngestResult]) -> list[str]:
    return [one.problem.code if one.problem else "created" if one.created else "known" for one in results]


@pytest.mark.parametrize("count", [1, 3, receive.COPY_MIN_ROWS, 60])
def test_a_new_output_is_stored_once_with_its_payload_and_event(stream: Stream, count: int) -> None:
    results = stream_setup.post_outputs(
        stream, *stream_setup.build_outputs(count, context={"since": "2019"}, segment={"language": "de"})
    )

    assert _codes(results) == ["created"] * count
    stored = Output.objects.received().order_by("id")
    assert [one.external_id for one in stored] == sorted(one.external_id for one in stored)
    assert {one.external_id for one in stored} == {f"ticket-{number}" for number in range(1, count + 1)}
    assert {result.output_id for result in results} == {one.pk for one in stored}
    first = stored[0]
    assert (first.predicted, first.confidence, first.segment) == ("refund", 0.62, {"language": "de"})
    assert Payload.objects.count() == ExternalId.objects.count() == count
    assert Payload.objects.get(pk=first.pk).body["context"] == {"since": "2019"}
    (event,) = Event.objects.filter(verb="outputs.received")
    assert (event.actor, event.queue, event.object_ids) == ("key:1", "intents", [one.pk for one in stored])


@pytest.mark.parametrize("count", [1, 30])
def test_a_repeated_post_returns_the_stored_state_and_changes_nothing(stream: Stream, count: int) -> None:
    outputs = stream_setup.build_outputs(count, confidence=0.9)
    stream_setup.route_outputs(stream, *outputs)

    results = stream_setup.post_outputs(stream, *outputs)

    assert _codes(results) == ["known"] * count
    assert {one.state.status for one in results if one.state} == {"decided"}
    assert Output.objects.count() == count
    assert Event.objects.filter(verb="outputs.received").count() == 1


def test_an_id_cannot_be_reused(stream: Stream) -> None:
    stream_setup.post_outputs(stream, stream_setup.build_output())
    (result,) = stream_setup.post_outputs(stream, stream_setup.build_output(confidence=0.63))
    assert result.problem
    assert (result.problem.status, result.problem.code) == (409, "output_conflict")
    assert stream_setup.find_output(stream).confidence == 0.62


def test_the_same_id_in_another_stream_is_a_different_output(stream: Stream) -> None:
    other = stream_setup.create_stream("invoices")
    assert _codes(stream_setup.post_outputs(stream, stream_setup.build_output())) == ["created"]
    assert _codes(stream_setup.post_outputs(other, stream_setup.build_output(confidence=0.1))) == ["created"]


def test_within_a_batch_the_first_output_with_an_id_wins(stream: Stream) -> None:
    one, other = stream_setup.build_output(), stream_setup.build_output(confidence=0.1)
    results = stream_setup.post_outputs(
        stream, one, other, one, stream_setup.build_output("ticket-2"), {"id": "ticket-3"}
    )
    assert _codes(results) == ["created", "output_conflict", "known", "created", "invalid"]
    assert results[0].output_id == results[2].output_id
    again = stream_setup.post_outputs(stream, other, one, one)
    assert _codes(again) == ["output_conflict", "known", "known"]


def test_repeats_in_a_batch_are_compared_with_the_stored_output(stream: Stream) -> None:
    stored, other = stream_setup.build_output(), stream_setup.build_output(confidence=0.1)
    stream_setup.post_outputs(stream, stored)
    assert _codes(stream_setup.post_outputs(stream, other, stored, other)) == [
        "output_conflict",
        "known",
        "output_conflict",
    ]


def test_an_invalid_output_does_not_affect_the_others(stream: Stream) -> None:
    bad: list[dict[str, Any]] = [
        stream_setup.build_output("bad-1", confidence=True),
        stream_setup.build_output("bad-2", prediction="x"),
        {},
    ]
    results = stream_setup.post_outputs(
        stream, stream_setup.build_output("good-1"), *bad, stream_setup.build_output("good-2")
    )
    assert _codes(results) == ["created", "invalid", "invalid", "invalid", "created"]
    assert {one.external_id for one in Output.objects.all()} == {"good-1", "good-2"}


def test_a_retry_is_safe_after_the_answers_and_the_rules_have_changed(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was acknowledged stays acknowledged, whatever the stream or this version thinks of its content today."""
    old = stream_setup.build_output("old", prediction="refund", due_at="2026-11-23T13:00:00+01:00", confidence=1)
    with monkeypatch.context() as patched:
        patched.setattr(schema, "_UNADDRESSABLE_IDS", frozenset())
        stored = stream_setup.post_outputs(stream, old, stream_setup.build_output(".."))
    stream = stream_setup.create_stream(answers=["billing", "card_arrival", "card_lost"])
    same = {**old, "due_at": "2026-11-23T12:00:00Z", "confidence": 1.0}
    results = stream_setup.post_outputs(
        stream,
        same,
        stream_setup.build_output(".."),
        {**old, "confidence": 0.9},
        {**old, "confidence": "1"},
        {**old, "extra": 1},
        stream_setup.build_output("new", prediction="refund"),
        stream_setup.build_output("new", prediction="billing"),
    )
    assert _codes(results) == ["known", "known", *["output_conflict"] * 3, "invalid", "created"]
    assert [result.output_id for result in results[:2]] == [result.output_id for result in stored]
    assert [result.state is not None and result.state.status for result in results[:2]] == ["received", "received"]


def test_only_a_refused_output_is_looked_up_before_it_is_stored(stream: Stream) -> None:
    stream_setup.post_outputs(stream, stream_setup.build_output("first"))
    with CaptureQueriesContext(connection) as valid:
        stream_setup.post_outputs(stream, *stream_setup.build_outputs(3))
    with CaptureQueriesContext(connection) as mixed:
        bad = [stream_setup.build_output(f"bad-{number}", shadow=1) for number in range(20)]
        stream_setup.post_outputs(stream, *stream_setup.build_outputs(3, first=4), *bad)
    assert len(mixed) == len(valid) + 1


def test_a_batch_of_only_invalid_outputs_stores_nothing(stream: Stream) -> None:
    assert _codes(stream_setup.post_outputs(stream, {}, {})) == ["invalid", "invalid"]
    assert not Event.objects.filter(verb="outputs.received").exists()


def test_ids_are_unique_and_ordered_by_time(stream: Stream) -> None:
    stream_setup.post_outputs(stream, *stream_setup.build_outputs(50))
    stream_setup.post_outputs(stream, *stream_setup.build_outputs(3, first=51))
    ids = [one.pk for one in Output.objects.order_by("received_at", "id")]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "ä/ö 😀 \u202e", "input": {"text": "\u202e<script>alert(1)</script>\U000e0041"}},
        {"input": None},
        {"input": [2**70, 1e20, -1e-300, "\\", "\u2028"]},
        {"model": "m" * 200, "model_version": "v" * 200, "group": "g" * 200},
        {"metadata": {"deep": {"a": [[[[1]]]]}}, "value": -1e15},
        {"due_at": "9998-12-31T23:59:59Z", "occurred_at": "1900-01-01T00:00:00Z"},
    ],
)
@pytest.mark.parametrize("count", [1, receive.COPY_MIN_ROWS])
def test_any_accepted_output_can_be_routed_and_posted_again(stream: Stream, fields: dict[str, Any], count: int) -> None:
    others = stream_setup.build_outputs(count - 1, first=1000)
    routes = stream_setup.route_outputs(stream, stream_setup.build_output(**fields), *others)
    assert {route.reason for route in routes} == {"below_threshold"}
    body = Payload.objects.get(pk=routes[0].pk).body
    assert body["input"] == fields.get("input", body["input"])
    assert _codes(stream_setup.post_outputs(stream, stream_setup.build_output(**fields))) == ["known"]


def test_copying_takes_a_fixed_number_of_statements(stream: Stream) -> None:
    stream_setup.post_outputs(stream, stream_setup.build_output("warm-up"))
    costs = []
    for first, count in ((0, receive.COPY_MIN_ROWS), (1000, 1000)):
        with CaptureQueriesContext(connection) as few:
            stream_setup.post_outputs(stream, *stream_setup.build_outputs(count, first=first))
        with CaptureQueriesContext(connection) as again:
            stream_setup.post_outputs(stream, *stream_setup.build_outputs(count, first=first))
        costs.append((len(few), len(again)))
    assert costs[0] == costs[1]
    assert max(costs[1]) <= 8


def test_routing_takes_a_fixed_number_of_statements_per_batch(stream: Stream) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output("the first of the day fixes its rates"))
    stream_setup.route_outputs(stream, stream_setup.build_output("the second one learns them"))
    costs = []
    for first, count in ((0, 30), (1000, 250)):
        stream_setup.post_outputs(
            stream,
            *stream_setup.build_outputs(count, first=first),
            *stream_setup.build_outputs(count, first=first + 5000, confidence=0.9),
        )
        with CaptureQueriesContext(connection) as cost:
            assert dispatch.route_received(batches=1) == 2 * count
        costs.append(len(cost))
    assert costs[0] == costs[1]


def test_an_overloaded_stream_rejects_outputs_unless_its_policy_holds(stream: Stream) -> None:
    Stream.objects.filter(pk=stream.pk).update(waiting=10_000)
    stream.refresh_from_db()
    with pytest.raises(receive.Overloaded):
        receive.check_capacity(stream)
    stream_setup.activate_policy(stream, threshold=0.8, on_overload="hold")
    receive.check_capacity(stream)


def test_a_stream_without_a_policy_has_a_limit_too(queue: object) -> None:
    bare = stream_setup.create_stream(policy=None)
    Stream.objects.filter(pk=bare.pk).update(waiting=10_000)
    bare.refresh_from_db()
    with pytest.raises(receive.Overloaded):
        receive.check_capacity(bare)


def test_a_rejected_output_is_named_if_its_id_can_be_read(stream: Stream) -> None:
    raw = [
        msgspec.json.encode(stream_setup.build_output("t-9", prediction="nope")),
        b'{"id": "t-8"',
        b'{"id": 7}',
        b"[1]",
    ]
    results = receive.receive_outputs(stream=stream, raw=raw, actor="key:1")
    assert [result.external_id for result in results] == ["t-9", None, None, None]
    assert all(result.problem for result in results)
