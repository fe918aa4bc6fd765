"""Shortcuts for items in the queue `intents` and the steps of a review."""

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
from reviewqueue.verdicts.labels import SettledLabel
from reviewqueue.verdicts.submit import SubmittedVerdict


def build_item(number: int, **fields: Any) -> items.NewItem:
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


def enqueue_items(*numbers: int, now: datetime | None = None, **fields: Any) -> int:
    return items.enqueue_items(slug="intents", items=[build_item(one, **fields) for one in numbers], now=now)


def claim_next_item(user: User, **options: Any) -> Claim:
    """Claim the next item; there must be one."""
    claim = claim_next(user=user, slug="intents", **{"resume": False} | options)
    assert claim is not None
    return claim


def judge_next(user: User, kind: str = "agree", **said: Any) -> SubmittedVerdict:
    """Claim the next item and decide it; on an answer-first item the first answer is the same, or `first`."""
    claim = claim_next_item(user, now=said.get("now"))
    return decide_claim(claim, user, kind, **said)


def decide_claim(claim: Claim, user: User, kind: str = "agree", *, first: Any = None, **said: Any) -> SubmittedVerdict:
    if claim.answer_first and not claim.revealed:
        answer = first or said.get("answer") or (None if kind in {"none", "unjudgeable"} else "refund")
        first_kind = kind if answer is None else "answer"
        submit.submit_first_answer(claim_id=claim.id, user=user, kind=first_kind, answer=answer, now=said.get("now"))
    if claim.final_say:
        said.setdefault("reason", "ambiguous")
    return submit.submit_verdict(claim_id=claim.id, user=user, kind=kind, **said)


def time_when_final(seconds: float = 31) -> datetime:
    """A time when verdicts given now are final."""
    return clock.current_time() + timedelta(seconds=seconds)


def settle_verdicts(now: datetime | None = None) -> list[SettledLabel]:
    """Settle every verdict given so far, as if all were final; returns the labels."""
    labels.settle_due_items(now=now or time_when_final())
    with transaction.atomic():
        return labels.take_labels()
