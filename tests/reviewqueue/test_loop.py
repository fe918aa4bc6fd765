"""From an item to its label: the way it usually goes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from reviewqueue import claims, clock, labels, queue, verdicts
from reviewqueue.models import Item, Queue, User
from tests.reviewqueue import items


def test_an_item_is_claimed_judged_and_settled(queue: Queue, rob: User) -> None:
    items.enqueue(1, proposal="refund")
    claim = claims.claim_next(user=rob, slug="intents")
    assert claim is not None
    assert claim.item.proposal == "refund"
    submitted = verdicts.submit(claim_id=claim.id, user=rob, kind="correct", answer="billing")
    assert not submitted.repeated
    assert labels.settle_due() == 0
    assert labels.settle_due(now=submitted.final_at) == 1
    (settled,) = labels.take()
    assert (settled.outcome, settled.answer, settled.basis) == ("answered", "billing", "single")
    assert not settled.blind
    assert labels.take() == []
