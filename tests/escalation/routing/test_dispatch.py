"""Routing received outputs: each exactly once, whatever fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError
from django.db.models import F

from escalation.models import Decision, DispatchBatch, Output, Route, Stream
from escalation.routing import dispatch, record
from reviewqueue.models import Event, Item
from reviewqueue.queue import items
from tests.helpers import stream_setup

FAILS = "ticket-2"


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a function of `record` fail whenever its arguments include a certain output."""

    def spoil(name: str) -> None:
        sound = getattr(record, name)

        def fail(*args: Any, **named: Any) -> Any:
            rows = [getattr(one, "output", one) for one in args[0 if name == "record_routes" else 1]]
            if FAILS in {row.external_id for row in rows}:
                raise ValueError("poison")
            return sound(*args, **named)

        monkeypatch.setattr(record, name, fail)

    return spoil


def _abandon_batches() -> None:
    """Age all batches, as if their workers had died a while ago."""
    DispatchBatch.objects.update(created_at=F("created_at") - timedelta(minutes=1))


def test_every_received_output_is_routed_once(stream: Stream) -> None:
    stream_setup.post_outputs(
        stream, *stream_setup.build_outputs(5), *stream_setup.build_outputs(5, first=6, confidence=0.9)
    )
    assert dispatch.route_received() == 10
    assert dispatch.route_received() == 0
    assert Route.objects.filter(kind="auto").count() == Decision.objects.filter(by="model").count() == 5
    assert Item.objects.count() == Output.objects.in_review().count() == 5
    assert not DispatchBatch.objects.exists()
    (event,) = Event.objects.filter(verb="outputs.routed")
    assert (event.after, len(event.object_ids or [])) == ({"auto": 5, "review": 5}, 10)


def test_the_oldest_outputs_are_routed_first(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "BATCH_ROWS", 2)
    stream_setup.post_outputs(stream, *stream_setup.build_outputs(5))
    assert dispatch.route_received(batches=1) == 2
    oldest = list(Output.objects.order_by("id").values_list("state", flat=True))
    assert oldest == ["in_review", "in_review", "received", "received", "received"]


def test_a_batch_is_bounded_by_bytes_but_never_empty(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "BATCH_BYTES", 10)
    stream_setup.post_outputs(stream, *stream_setup.build_outputs(3))
    assert dispatch.route_received(batches=1) == 1
    assert dispatch.route_received(batches=2) == 2


def test_outputs_of_several_streams_share_a_batch(stream: Stream) -> None:
    other = stream_setup.create_stream("invoices", policy=None)
    stream_setup.post_outputs(stream, stream_setup.build_output(confidence=0.9))
    stream_setup.post_outputs(other, stream_setup.build_output(confidence=0.9))
    assert dispatch.route_received(batches=1) == 2
    assert set(Route.objects.values_list("reason", flat=True)) == {"above_threshold", "no_policy"}


def test_an_abandoned_batch_is_retried_one_by_one(stream: Stream) -> None:
    stream_setup.post_outputs(stream, *stream_setup.build_outputs(3))
    assert dispatch._open_batch() is not None
    assert dispatch.route_received() == 0, "its worker may still be running"
    _abandon_batches()
    assert dispatch.route_received() == 3
    assert not DispatchBatch.objects.exists()
    assert set(Output.objects.values_list("attempts", flat=True)) == {1}


def test_a_batch_whose_outputs_are_already_routed_is_deleted(stream: Stream) -> None:
    results = stream_setup.post_outputs(stream, *stream_setup.build_outputs(3))
    dispatch._open_batch()
    dispatch.route_now([result.output_id for result in results if result.output_id], seconds=1)
    _abandon_batches()
    assert dispatch.route_received() == 0
    assert not DispatchBatch.objects.exists()
    assert set(Output.objects.values_list("attempts", flat=True)) == {0}


def test_an_output_that_fails_three_single_retries_is_sent_to_review(
    stream: Stream, poison: Callable[[str], None]
) -> None:
    stream_setup.post_outputs(stream, *stream_setup.build_outputs(3, confidence=0.9))
    poison("record_routes")
    assert dispatch.route_received() == 0
    stream_setup.post_outputs(stream, stream_setup.build_output("ticket-9", confidence=0.9))
    assert dispatch.route_received() == 1, "what comes later does not wait for it"
    _abandon_batches()
    assert dispatch.route_received() == 3

    assert set(Route.objects.filter(reason="above_threshold").values_list("output__external_id", flat=True)) == {
        "ticket-1",
        "ticket-3",
        "ticket-9",
    }
    failed = Route.objects.get(reason="dispatch_failed")
    assert (failed.output.external_id, failed.kind, failed.released, failed.pi) == (FAILS, "review", False, 1.0)
    assert failed.output.attempts == dispatch.SINGLE_RETRIES + 1
    assert Item.objects.get().reference == FAILS
    assert not DispatchBatch.objects.exists()


def test_a_retry_that_kills_the_process_is_counted(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    stream_setup.post_outputs(stream, stream_setup.build_output(confidence=0.9))
    dispatch._open_batch()

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(record, "record_routes", die)
    for _ in range(dispatch.SINGLE_RETRIES):
        _abandon_batches()
        with pytest.raises(KeyboardInterrupt):
            dispatch.route_received()
    _abandon_batches()
    assert dispatch.route_received() == 1
    assert Route.objects.get().reason == "dispatch_failed"


def test_an_output_that_cannot_be_sent_to_review_does_not_block_others(
    stream: Stream, poison: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream_setup.post_outputs(stream, *stream_setup.build_outputs(3))
    with monkeypatch.context():
        poison("_write_routes")
        assert dispatch.route_received() == 0
        _abandon_batches()
        assert dispatch.route_received() == 2
        stream_setup.post_outputs(stream, stream_setup.build_output("ticket-9"))
        assert dispatch.route_received() == 1
        stuck = stream_setup.find_output(stream, FAILS)
        assert stuck.state == "received"
        assert DispatchBatch.objects.get().output_ids == [stuck.pk]
        Output.objects.update(attempts=dispatch.MAX_COUNTED_RETRIES)
        _abandon_batches()
        assert dispatch.route_received() == 0
    monkeypatch.undo()
    _abandon_batches()
    assert dispatch.route_received() == 1
    assert Route.objects.get(output=stuck).reason == "dispatch_failed"
    assert not DispatchBatch.objects.exists()


def test_a_database_outage_does_not_count_as_a_retry(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    stream_setup.post_outputs(stream, stream_setup.build_output())

    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("the database system is shutting down")

    with monkeypatch.context() as patched:
        patched.setattr(record, "record_routes", away)
        with pytest.raises(OperationalError):
            dispatch.route_received()
    _abandon_batches()
    assert dispatch.route_received() == 1
    assert Route.objects.get().reason == "below_threshold"


@pytest.mark.parametrize(
    "error", [OperationalError("down"), InterfaceError("the connection is closed"), SoftTimeLimitExceeded()]
)
def test_an_outage_during_single_retries_is_never_counted_against_the_output(
    stream: Stream, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    stream_setup.post_outputs(stream, stream_setup.build_output())
    dispatch._open_batch()

    def away(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(record, "record_routes", away)
        outages = 1 if isinstance(error, SoftTimeLimitExceeded) else 2 * dispatch.SINGLE_RETRIES
        for _ in range(outages):
            _abandon_batches()
            with pytest.raises(type(error)):
                dispatch.route_received()
    _abandon_batches()
    assert dispatch.route_received() == 1
    assert Route.objects.get().reason == "below_threshold"


def test_only_outputs_of_a_holding_stream_are_held_back(stream: Stream) -> None:
    other = stream_setup.create_stream("invoices")
    stream_setup.activate_policy(stream, threshold=0.8, on_overload="hold")
    stream_setup.post_outputs(stream, stream_setup.build_output(confidence=0.9))
    stream_setup.post_outputs(other, stream_setup.build_output(confidence=0.9))
    Stream.objects.filter(pk=stream.pk).update(waiting=10_000)
    assert dispatch.route_received() == 1
    assert stream_setup.find_output(stream).state == "received"
    Stream.objects.filter(pk=stream.pk).update(waiting=0)
    assert dispatch.route_received() == 1


def test_routing_an_output_twice_enqueues_it_once(stream: Stream) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output())
    item = Item.objects.get()
    assert (
        items.enqueue_items(
            slug="intents",
            items=[items.NewItem(id=item.pk, reference="x", schema_number=1, input=1, proposal="refund", rank=0)],
        )
        == 0
    )
    assert dispatch.route_received() == 0
