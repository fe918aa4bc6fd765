"""Pages show what the producer sent: fields in their order, numbers with their digits."""

from __future__ import annotations

import html
import json
from typing import Any

from django.urls import reverse

from escalation.ingest import receive
from escalation.models import Payload, Stream
from escalation.routing import dispatch
from reviewqueue.models import Membership, Queue, User
from reviewqueue.queue.claim import claim_next
from tests.helpers import desk_client, stream_setup
from tests.helpers.desk_client import DeskClient

FIELDS = {"zip code": "10115", "a": "first", "city": "Berlin", "b": {"z": 1, "y": 2}}


def test_fields_and_context_keep_their_order_up_to_the_desk(stream: Stream, rob: User) -> None:
    stream_setup.post_outputs(
        stream, stream_setup.build_output(confidence=0.1, input={"fields": FIELDS}, context=FIELDS)
    )
    dispatch.route_received()
    claim = claim_next(user=rob, slug=stream.slug)
    assert claim is not None
    assert list(claim.item.input["fields"]) == list(FIELDS)
    assert list(claim.item.input["fields"]["b"]) == ["z", "y"]
    assert list(claim.item.context) == list(FIELDS)
    assert list(Payload.objects.get().body["input"]["fields"]) == list(FIELDS)


# Numbers that a double or Python's notation would change, each in a place of its own.
INPUT_NUMBERS = ("12345678901234567.89", "1.10", "1E5", "-0", "22", "0.1000000000000000055")
STRUCTURED: dict[str, Any] = {
    "schema": {"type": "object", "properties": {"total": {"type": "number"}}},
    "policy": {"threshold": 0.8},
}


def test_numbers_keep_their_digits_up_to_every_page(rob: User) -> None:
    stream = stream_setup.create_stream("invoices", **STRUCTURED)
    queue = Queue.objects.get(slug="invoices")
    Membership.objects.create(user=rob, queue=queue)
    rows = ", ".join(f'{{"n": {literal}}}' for literal in INPUT_NUMBERS)
    call = {"role": "assistant", "tool_calls": [{"name": "pay", "arguments": '{"amount": 7.50, "limit": 1e400}'}]}
    raw = (
        f'{{"id": "a", "model": "m", "confidence": 0.10, "context": {{"since": 2.50}}, "prediction": {{"total": 9.10}},'
        f' "input": {{"rows": [{rows}], "messages": [{json.dumps(call)}]}}}}'
    )
    receive.receive_outputs(stream=stream, raw=[raw.encode()], actor="key:1")
    dispatch.route_received()
    page = DeskClient(rob).client
    desk_page = html.unescape(desk_client.decode_body(page.get(reverse("desk", args=["invoices"]))))
    for literal in (*INPUT_NUMBERS, "2.50", '"amount": 7.50', "1e400", "9.10"):
        assert literal in desk_page


def test_the_same_number_written_otherwise_is_the_same_content(stream: Stream) -> None:
    for literal in ("1.1", "1.10", "11e-1"):
        raw = f'{{"id": "a", "model": "m", "confidence": 0.1, "prediction": "refund", "input": {literal}}}'
        (result,) = receive.receive_outputs(stream=stream, raw=[raw.encode()], actor="key:1")
        assert result.problem is None
