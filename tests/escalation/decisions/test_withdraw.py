"""Withdrawing an output, in whatever state it is."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from escalation.decisions import settle, withdraw
from escalation.models import Output, Stream
from escalation.outputs import status
from escalation.routing import dispatch
from reviewqueue.kernel.errors import NotFound
from reviewqueue.models import Event, Item, User
from reviewqueue.queue.claim import claim_next
from reviewqueue.verdicts import labels, submit
from tests.helpers import stream_setup


def test_an_unrouted_output_can_be_withdrawn(stream: Stream) -> None:
    stream_setup.post_outputs(stream, stream_setup.build_output())
    withdraw.withdraw_output(stream=stream, external_id="ticket-1", actor="key:1")
    assert dispatch.route_received() == 0
    assert stream_setup.list_revisions() == [(1, "system", "withdrawn", None)]
    event = Event.objects.get(verb="output.withdrawn")
    assert (event.actor, event.before, event.after) == ("key:1", {"state": "received"}, {"state": "withdrawn"})


def test_an_item_open_at_a_desk_can_be_withdrawn(stream: Stream, rob: User) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output())
    claim = claim_next(user=rob, slug="intents")
    assert claim
    withdraw.withdraw_output(stream=stream, external_id="ticket-1", actor="key:1")
    assert Item.objects.get().state == "withdrawn"
    with pytest.raises(Exception, match="withdrawn"):
        submit.submit_verdict(claim_id=claim.id, user=rob, kind="agree")


def test_an_output_with_a_pending_verdict_can_be_withdrawn(stream: Stream, rob: User) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, undo_seconds=30)
    stream_setup.route_outputs(stream, stream_setup.build_output())
    submitted = stream_setup.judge_next(rob)
    withdraw.withdraw_output(stream=stream, external_id="ticket-1", actor="key:1")
    assert settle.settle_items(now=submitted.final_at) == 0
    assert stream_setup.list_revisions() == [(1, "system", "withdrawn", None)]


def test_a_settled_output_without_its_decision_can_be_withdrawn(stream: Stream, rob: User) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output())
    stream_setup.judge_next(rob)
    labels.settle_due_items()
    withdraw.withdraw_output(stream=stream, external_id="ticket-1", actor="key:1")
    assert settle.settle_items() == 1
    assert stream_setup.list_revisions() == [(1, "system", "withdrawn", None)]
    assert stream_setup.find_output(stream).state == "withdrawn"


@pytest.mark.parametrize("audit", [{}, {"rate": 1, "mode": "after"}])
def test_an_automated_output_can_be_withdrawn(stream: Stream, audit: dict[str, Any]) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit=audit, hours=2, reviews=2)
    stream_setup.route_outputs(stream, stream_setup.build_output(confidence=0.9))
    withdraw.withdraw_output(stream=stream, external_id="ticket-1", actor="key:1")
    assert [row[:3] for row in stream_setup.list_revisions()] == [(1, "model", "answered"), (2, "system", "withdrawn")]
    assert not Item.objects.open().exists()


def test_an_output_decided_by_people_can_be_withdrawn(stream: Stream, rob: User) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output())
    stream_setup.judge_next(rob)
    settle.settle_items()
    withdraw.withdraw_output(stream=stream, external_id="ticket-1", actor="key:1")
    assert [row[:3] for row in stream_setup.list_revisions()] == [(1, "people", "answered"), (2, "system", "withdrawn")]


def test_withdrawing_twice_withdraws_once(stream: Stream) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output())
    for _ in range(2):
        withdraw.withdraw_output(stream=stream, external_id="ticket-1", actor="key:1")
    assert len(stream_setup.list_revisions()) == 1
    assert Event.objects.filter(verb="output.withdrawn").count() == 1


def test_an_unknown_output_cannot_be_withdrawn(stream: Stream) -> None:
    stream_setup.post_outputs(stream_setup.create_stream("invoices"), stream_setup.build_output("invoice-1"))
    with pytest.raises(NotFound):
        withdraw.withdraw_output(stream=stream, external_id="invoice-1", actor="key:1")


def test_an_output_routed_during_withdrawal_is_locked_item_first(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream_setup.post_outputs(stream, stream_setup.build_output())
    find = status.find_output

    def find_before_routing(**which: Any) -> Output:
        found = find(**which)
        dispatch.route_received()
        return found

    monkeypatch.setattr(status, "find_output", find_before_routing)
    with CaptureQueriesContext(connection) as captured:
        withdraw.withdraw_output(stream=stream, external_id="ticket-1", actor="key:1")
    assert (stream_setup.find_output(stream).state, Item.objects.get().state) == ("withdrawn", "withdrawn")
    assert len(stream_setup.list_revisions()) == 1
    statements = [query["sql"] for query in captured.captured_queries]
    locked = max(at for at, sql in enumerate(statements) if '"escalation_output"' in sql and "FOR NO KEY UPDATE" in sql)
    assert not any("reviewqueue_item" in sql for sql in statements[locked:])
