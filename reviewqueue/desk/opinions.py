"""What whoever has the final say weighs: everybody's opinion, and the AI's as one among them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise

from reviewqueue.desk import choices
from reviewqueue.queue.claim_view import Claim, OtherVerdict
from reviewqueue.verdicts import wording


@dataclass(frozen=True)
class Opinion:
    """One opinion; the AI's has no `person` and no time.

    `first`: what they said before, where they changed it after they saw the AI's answer. `blind`: said before that.
    """

    person: str
    answer: str
    at: datetime | None = None
    first_answer: str = ""
    first_answer_at: datetime | None = None
    blind: bool = False
    confidence: float | None = None
    reason: str | Promise = ""
    note: str = ""
    error_type: str = ""


def list_opinions(claim: Claim) -> list[Opinion]:
    """The AI's answer, then everybody's in the order in which they were given; nothing but for a final say."""
    return [_model_opinion(claim), *(_reviewer_opinion(verdict) for verdict in claim.others)] if claim.final_say else []


def _model_opinion(claim: Claim) -> Opinion:
    item = claim.item
    share = choices.find_proposal_confidence(item.alternatives, item.proposal)
    return Opinion(person="", answer=wording.format_answer(item.proposal), confidence=share)


def _reviewer_opinion(verdict: OtherVerdict) -> Opinion:
    said, first = _answer_text(verdict.kind, verdict.answer), _answer_text(verdict.first_kind, verdict.first_answer)
    changed = verdict.blind and first != said
    return Opinion(
        person=verdict.person,
        answer=said,
        at=verdict.submitted_at,
        first_answer=first if changed else "",
        first_answer_at=verdict.first_at if changed else None,
        blind=verdict.blind,
        reason=wording.describe_reason(verdict.kind, verdict.reason),
        note=verdict.note,
        error_type=verdict.error_type,
    )


def _answer_text(kind: str, answer: Any) -> str:
    """The answer itself, and not that it agrees with somebody's."""
    return wording.describe_verdict(kind) if answer is None else wording.format_answer(answer)
