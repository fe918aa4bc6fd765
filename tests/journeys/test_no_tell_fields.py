"""Of items that ask for the same fields, nothing tells why: below the threshold, drawn for an audit, or a test item."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest

from escalation.models import Route, Stream, TestItem
from escalation.test_items import arrival, mix_in
from reviewqueue.api.serializers import serialize_claim
from reviewqueue.models import Item, Queue, User
from reviewqueue.queue.claim import claim_next
from reviewqueue.queue.claim_view import Claim
from tests.helpers import stream_setup
from tests.helpers.desk_client import DeskClient, decode_body
from tests.helpers.item_classifier import strip_secrets

pytestmark = pytest.mark.django_db
SCHEMA = {
    "type": "object",
    "properties": {"shop": {"type": "string"}, "total": {"type": "number"}, "paid": {"type": "boolean"}},
}
PREDICTION = {"shop": "ACME", "total": 10.5, "paid": True}
POLICY: dict[str, Any] = {
    "threshold": 0.8,
    "thresholds": {"/total": 0.8},
    "answer_first_share": 0.9,
    "audit": {"rate": 0.3, "mode": "hold"},
    "deadline_hours": 24,
}
GIVEN: dict[str, Any] = {"verdict": "correct", "number/total": "11.5"}


@pytest.fixture
def receipts(queue: Queue, rob: User) -> Stream:
    """Unsure totals, sure documents of which some are drawn, and test items whose total is wrong."""
    stream = stream_setup.create_stream(schema=SCHEMA, answers=None, policy=POLICY)
    Stream.objects.filter(pk=stream.pk).update(secret=b"the same in every run, 32 bytes.")
    stream.refresh_from_db()
    for number in range(40):
        scores = {"/shop": 0.97, "/paid": 0.9, "/total": 0.4 if number % 2 else 0.95}
        output = stream_setup.build_output(f"r-{number:04}", prediction=PREDICTION, confidence=0.6, scores=scores)
        stream_setup.route_outputs(stream, output)
    wrong = {"input": {"text": "I was charged twice"}, "prediction": PREDICTION, "answer": PREDICTION | {"total": 12}}
    mix_in.mix_in_examples(stream=stream, known=[wrong] * 12, actor="user:mara")
    arrival.admit_test_items(stream=stream, count=12, rng=random.Random(3))
    return stream


def test_why_a_field_is_asked_for_is_in_no_page_and_no_document(receipts: Stream, rob: User) -> None:
    wanted = {item.pk: _kind(item.pk) for item in Item.objects.filter(asked=["/total"], answer_first=True)}
    assert {"below", "drawn", "test item"} <= set(wanted.values())
    desk, seen = DeskClient(rob), dict[str, set[tuple[str, ...]]]()
    while claim := claim_next(user=rob, slug=receipts.slug):
        if claim.item.id in wanted:
            seen.setdefault(wanted[claim.item.id], set()).add(_judge(desk, claim))
        else:
            desk.decline("pass", "other")
    (told,) = seen["below"]
    assert seen == {kind: {told} for kind in seen}


def _kind(item: int) -> str:
    if TestItem.objects.filter(pk=item).exists():
        return "test item"
    parts = Route.objects.get(pk=item).parts or {}
    return "drawn" if not parts["asked"] else "both" if parts["audited"] else "below"


def _judge(desk: DeskClient, claim: Claim) -> tuple[str, ...]:
    """What the reviewer and a review tool get of an item, before and after the first answer."""
    pages = [desk.open_page(), decode_body(desk.post("desk-first-answer", claim.id, **GIVEN))]
    assert "10.5" not in pages[0] + json.dumps(serialize_claim(claim), default=str)
    after = claim_next(user=desk.user, slug="intents")
    assert after is not None
    desk.post("desk-verdict", claim.id, **GIVEN)
    documents = [json.dumps(serialize_claim(one), default=str) for one in (claim, after)]
    return tuple(re.sub("[0-9]+", "9", _cut(page)) for page in [*pages, *documents])


def _cut(page: str) -> str:
    """The item and the panel, without what stands beside them."""
    found = re.search(r'<section class="item".*</footer>', page, flags=re.DOTALL)
    return strip_secrets(found[0] if found else page)
