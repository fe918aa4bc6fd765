"""The opinions shown for the final say: every reviewer's answer, and the AI's as one of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise

from reviewqueue.desk import choices, field_opinions
from reviewqueue.queue.claim_view import Claim, OtherVerdict
from reviewqueue.verdicts import settlement, wording


@dataclass(frozen=True)
class Opinion:
    """One opinion; the AI's has no `person` and no time. `answer`: empty if `field_opinions` shows it.

    `blind`: the reviewer answered before seeing the AI's answer. `first_answer`: that answer, if it was then changed.
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
    """The AI's answer, then the reviewers' in the order given; empty unless the claim is a final say.

    Where some fields of an answer were asked for, `field_opinions` shows the AI's, so only the reviewers' are here.
    """
    if claim.final_say and claim.item.asked is not None:
        return [_reviewer_opinion(verdict, claim) for verdict in claim.others]
    return (
        [_model_opinion(claim), *(_reviewer_opinion(verdict, claim) for verdict in claim.others)]
        if claim.final_say
        else []
    )


def differ(claim: Claim) -> bool:
    """Whether the reviewers gave different answers, so that the final say must explain why."""
    return settlement.opinions_differ(settlement.build_vote(one.kind, one.answer) for one in claim.others)


def _model_opinion(claim: Claim) -> Opinion:
    item = claim.item
    share = choices.find_proposal_confidence(item.alternatives, item.proposal)
    return Opinion(person="", answer=wording.format_answer(item.proposal), confidence=share)


def _reviewer_opinion(verdict: OtherVerdict, claim: Claim) -> Opinion:
    answer = _answer_text(verdict.kind, verdict.answer, claim)
    first = _answer_text(verdict.first_kind, verdict.first_answer, claim)
    changed = verdict.blind and first != answer
    return Opinion(
        person=verdict.person,
        answer="" if verdict.answer is not None and claim.item.asked is not None else answer,
        at=verdict.submitted_at,
        first_answer=first if changed else "",
        first_answer_at=verdict.first_at if changed else None,
        blind=verdict.blind,
        reason=wording.describe_reason(verdict.kind, verdict.reason),
        note=verdict.note,
        error_type=verdict.error_type,
    )


def _answer_text(kind: str, answer: Any, claim: Claim) -> str:
    """The answer itself, also of a verdict that agrees with the AI; of single fields, those that differ from the AI."""
    if answer is None:
        return wording.describe_verdict(kind, answers_kind=claim.item.kind)
    if claim.item.asked is not None:
        return field_opinions.describe_changes(claim, answer)
    return wording.format_answer(answer)
