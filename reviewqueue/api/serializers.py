"""A claim as the API's response body."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from reviewqueue.queue.claim_view import Claim

# Sent only once the person may see them; before that, not even the names are.
_REVEALED_FIELDS = ("proposal", "alternatives", "field_hints", "why", "model")


def serialize_claim(claim: Claim) -> dict[str, Any]:
    """A claim as `documents.ClaimDocument`."""
    item = asdict(claim.item) | {"id": str(claim.item.id)}
    del item["display"]  # only pages need to know how to show it
    if not claim.revealed:
        item = {name: value for name, value in item.items() if name not in _REVEALED_FIELDS}
    return {
        "claim": claim.id,
        "item": item,
        "answer_first": claim.answer_first,
        "revealed": claim.revealed,
        "first_kind": claim.first_kind,
        "first_answer": claim.first_answer,
        "final_say": claim.final_say,
        "others": [asdict(other) for other in claim.others],
        "expires_at": claim.reserved_until,
    }
