"""Fields keep the order in which the producer sent them."""

from __future__ import annotations

from escalation.models import Payload, Stream
from escalation.routing import dispatch
from reviewqueue.models import User
from reviewqueue.queue.claim import claim_next
from tests.helpers import stream_setup

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
