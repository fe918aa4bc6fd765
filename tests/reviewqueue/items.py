"""Items for the queue `intents`, briefly."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reviewqueue import labels, queue, verdicts
from reviewqueue.claimed import Claim
from reviewqueue.models import User
from reviewqueue.verdicts import Submitted


def new(id: int, **fields: Any) -> queue.NewItem:  # noqa: A002 - the item's
    defaults: dict[str, Any] = {
        "reference": f"ticket-{id}",
        "schema_number": 1,
        "input": {"text": "I was charged twice"},
        "proposal": "refund",
        "alternatives": [{"answer": "refund", "confidence": 0.62}],
        "why": {"message": "The AI was not sure.", "params": {}},
        "model": "intent-clf",
        "rank": float(id),
    }
    return queue.NewItem(id=id, **defaults | fields)


def enqueue(*ids: int, now: datetime | None = None, **fields: Any) -> int:
    return queue.enqueue(slug="intents", items=[new(one, **fields) for one in ids], now=now)
