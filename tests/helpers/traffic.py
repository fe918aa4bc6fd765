"""Shortcuts for a stream with outputs, routed and judged through public functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from escalation.decisions.settle import settle_items as settle_settle
from escalation.ingest import receive
from escalation.models import Stream
from escalation.policies import versions
from escalation.routing import dispatch
from escalation.streams import definition
from escalation.streams.definition import StreamDefinition
from reviewqueue.models import User
from reviewqueue.queue.claim import claim_next
from reviewqueue.verdicts import submit

ANSWERS = ["billing", "refund", "card_arrival"]
NOON = datetime(2025, 3, 10, 12, tzinfo=UTC)


def apply_stream(
    *, policy: dict[str, Any] | None = None, undo_seconds: int = 0, actor: str = "user:mara", **fields: Any
) -> Stream:
    """The stream `intents` with this policy in effect for a long time; a second call changes it or drafts a version."""
    described = StreamDefinition(
        **{
            "slug": "intents",
            "title": "Support intents",
            "question": "What does the customer want?",
            "answers": ANSWERS,
            "costs": {"currency": "EUR", "review": 0.5, "error": 10.0},
            **fields,
            "policy": {"threshold": 0.8} if policy is None else policy,
            "review": {"undo_seconds": undo_seconds},
        }
    )
    settings = msgspec.structs.replace(described, policy=None, costs=None, review={})
    found = definition.apply_definition(settings, actor=actor).stream
    found.secret = b"the same draws in every run of it"[:32]
    found.save(update_fields=["secret"])
    # The policy in effect is that at the start of the transaction, which is all of a test: so it began long before.
    spec = versions.validate_spec(definition.build_policy_spec(described))
    versions.propose_version(stream=found, spec=spec, actor=actor, now=NOON - timedelta(days=1))
    return found


def post_and_route(
    to: Stream,
    *ids: str,
    prediction: Any = "refund",
    confidence: float | None = 0.9,
    now: datetime = NOON,
    **fields: Any,
) -> None:
    """Receive and route outputs."""
    raw = [
        msgspec.json.encode(
            {
                "id": one,
                "model": "intent-clf",
                "prediction": prediction,
                "confidence": confidence,
                "input": {"text": f"words of {one}"},
                **fields,
            }
        )
        for one in ids
    ]
    results = receive.receive_outputs(stream=to, raw=raw, actor="key:1", now=now)
    assert [result.problem for result in results] == [None] * len(ids)
    dispatch.route_received(now=now)


def judge_all(who: User, truth: Callable[[str], Any], *, now: datetime, slug: str = "intents") -> int:
    """Let a person judge everything they can claim, with the true answers, and settle it; returns how many."""
    judged = 0
    while claim := claim_next(user=who, slug=slug, now=now):
        true = truth(claim.item.reference)
        if claim.answer_first:
            submit.submit_first_answer(claim_id=claim.id, user=who, answer=true, now=now)
        submit.submit_verdict(claim_id=claim.id, user=who, kind="correct", answer=true, active_seconds=5.0, now=now)
        judged += 1
    settle_all(now=now)
    return judged


def settle_all(*, now: datetime) -> None:
    while settle_settle(now=now):
        pass


def shift_noon(**delta: Any) -> datetime:
    return NOON + timedelta(**delta)


def number_ids(prefix: str, count: int) -> Iterable[str]:
    return [f"{prefix}-{index}" for index in range(count)]
