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
class Side:
    """One opinion; the AI's has no `person` and no time.

    `first`: what they said before, where they changed it after they saw the AI's answer. `blind`: said before that.
    """

    person: str
    said: str
    at: datetime | None = None
    first: str = ""
    first_at: datetime | None = None
    blind: bool = False
    share: float | None = None
    reason: str | Promise = ""
    note: str = ""
    error_type: str = ""


def of(claim: Claim) -> list[Side]:
    """The AI's answer, then everybody's in the order in which they were given; nothing but for a final say."""
    return [_model(claim), *(_side(verdict) for verdict in claim.others)] if claim.final_say else []


def _model(claim: Claim) -> Side:
    item = claim.item
    share = choices.share(item.alternatives, item.proposal)
    return Side(person="", said=wording.answer(item.proposal), share=share)


def _side(verdict: OtherVerdict) -> Side:
    said, first = _told(verdict.kind, verdict.answer), _told(verdict.first_kind, verdict.first_answer)
    changed = verdict.blind and first != said
    return Side(
        person=verdict.person,
        said=said,
        at=verdict.submitted_at,
        first=first if changed else "",
        first_at=verdict.first_at if changed else None,
        blind=verdict.blind,
        reason=wording.reason(verdict.kind, verdict.reason),
        note=verdict.note,
        error_type=verdict.error_type,
    )


def _told(kind: str, answer: Any) -> str:
    """The answer itself, and not that it agrees with somebody's."""
    return wording.said(kind) if answer is None else wording.answer(answer)
