"""The desk's step from a first answer to the verdict: who gave the AI's answer is not asked again.

An answer that means the same but is written differently is not asked again either, and is recorded as it was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from reviewqueue.answers import partial, schema
from reviewqueue.models import User, Verdict
from reviewqueue.queue.claim_view import Claim
from reviewqueue.queue.lease import ClaimId, ClaimLost
from reviewqueue.verdicts import submit, validation

_KINDS_WITH_ANSWER = frozenset({Verdict.Kind.AGREE, Verdict.Kind.CORRECT})


def answer_first(
    *,
    claim_id: str,
    user: User,
    kind: str,
    answer: Any,
    remarks: Mapping[str, str],
    active_seconds: float | None,
    slug: str,
    now: datetime | None = None,
) -> Claim | None:
    """Record a first answer and, if it means the same as the proposal, the verdict, too: nothing is to be reconsidered.

    Returns the claim to decide with the proposal, None if it is decided. A final say is never decided here, because it
    needs a reason. An identical repeat returns the same. Raises as `submit.submit_first_answer` does.
    """
    with transaction.atomic():
        try:
            claim = submit.submit_first_answer(
                claim_id=claim_id, user=user, kind=kind, answer=answer, remarks=remarks, slug=slug, now=now
            )
        except ClaimLost:
            if _was_decided(claim_id, user, kind=kind, answer=answer):
                return None
            raise
        if claim.final_say or not gave_proposal(claim):
            return claim
        note = remarks.get("note", "").strip()
        submit.submit_verdict(
            claim_id=claim_id,
            user=user,
            kind="correct",  # stored as `agree` if it is written exactly as the proposal
            answer=claim.first_answer,
            note=note,
            active_seconds=active_seconds,
            slug=slug,
            now=now,
        )
        return None


def gave_proposal(claim: Claim) -> bool:
    """Whether the person's first answer is the AI's."""
    return claim.first_kind == validation.ANSWER_KIND and schema.answers_match(claim.first_answer, claim.item.proposal)


def _was_decided(claim_id: str, user: User, *, kind: str, answer: Any) -> bool:
    """Whether this request was already recorded, and only its response was lost."""
    claim = ClaimId.parse(claim_id)
    verdict = (
        Verdict.objects.filter(slot_id=claim.slot, claim=claim.number, user=user, undone_at=None)
        .select_related("item__content")
        .first()
    )
    if verdict is None or kind != validation.ANSWER_KIND or verdict.kind not in _KINDS_WITH_ANSWER:
        return False
    given = partial.merge(answer, verdict.item.content.proposal, verdict.item.asked or None)
    same = (verdict.first_answer, verdict.answer, verdict.item.content.proposal)
    return all(schema.answers_match(given, one) for one in same)
