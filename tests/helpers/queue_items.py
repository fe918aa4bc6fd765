"""Items for the queue `intents`, and the steps of a review, briefly."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from reviewqueue.kernel import clock
from reviewqueue.models import User
from reviewqueue.queue import items
from reviewqueue.queue.claim import claim_next
from reviewqueue.queue.claim_view import Claim
from reviewqueue.verdicts import labels, submit
from reviewqueue.verdicts.labels import Settled
from reviewqueue.verdicts.submit import Submitted


def new(number: int, **fields: Any) -> items.NewItem:
    defaults: dict[str, Any] = {
        "reference": f"ticket-{number}",
        "schema_number": 1,
        "input": {"text": "I was charged twice"},
        "proposal": "refund",
        "alternatives": [{"answer": "refund", "confidence": 0.62}],
        "field_hints": {"/": 0.62},
        "why": {"message": "The AI was not sure.", "params": {}},
        "model": "intent-clf",
        "rank": float(number),
    }
    return items.NewItem(id=number, **defaults | fields)


def enqueue(*numbers: int, now: datetime | None = None, **fields: Any) -> int:
    return items.enqueue(slug="intents", items=[new(one, **fields) for one in numbers], now=now)


def take(user: User, **options: Any) -> Claim:
    """The next claim, which there is."""
    claim = claim_next(user=user, slug="intents", **{"resume": False} | options)
    assert claim is not None
    return claim


def judge(user: User, kind: str = "agree", **said: Any) -> Submitted:
    """Take the next item and decide it; on an answer-first one the first answer is the same, or `first`."""
    claim = take(user, now=said.get("now"))
    return decide(claim, user, kind, **said)


def decide(claim: Claim, user: User, kind: str = "agree", *, first: str | None = None, **said: Any) -> Submitted:
    if claim.answer_first and not claim.revealed:
        answer = first or said.get("answer") or (None if kind in {"none", "unjudgeable"} else "refund")
        first_kind = kind if answer is None else "answer"
        submit.answer_first(claim_id=claim.id, user=user, kind=first_kind, answer=answer, now=said.get("now"))
    if claim.final_say:
        said.setdefault("reason", "ambiguous")
    return submit.submit(claim_id=claim.id, user=user, kind=kind, **said)


def later(seconds: float = 31) -> datetime:
    """A moment when verdicts given now are final."""
    return clock.current() + timedelta(seconds=seconds)


def settle(now: datetime | None = None) -> list[Settled]:
    """What is settled once every verdict given so far is final."""
    labels.settle_due(now=now or later())
    with transaction.atomic():
        return labels.take()
