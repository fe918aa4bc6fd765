"""The answers to press or tick, each with its key and what the AI gave it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from . import answers, wording
from .claimed import Claim


@dataclass(frozen=True)
class Choice:
    """One thing to press or tick; `name` and `value` are what the form then sends."""

    name: str
    value: str
    label: str
    key: str = ""
    share: float | None = None
    ticked: bool = False


def keys(labels: Sequence[str]) -> list[str]:
    """A key for each answer: its own digit when all are digits, else 1 to 9 in order, and none after that."""
    if all(len(label) == 1 and label.isascii() and label.isdigit() for label in labels):
        return list(labels)
    return [str(number) if number <= 9 else "" for number in range(1, len(labels) + 1)]


def decisive(claim: Claim, *, same: bool) -> list[Choice]:
    """Agreeing, and keeping what one said first; nothing before the proposal is in sight."""
    if not claim.revealed:
        return []
    keep = _keep(claim, same=same)
    agree = Choice("verdict", "agree", _("Agree with the AI"), "a")
    if same:
        return [Choice("verdict", "agree", _("Keep it: you and the AI agree"), "k a")]
    return [keep, agree] if keep else [agree]


def listed(claim: Claim, start: Any) -> list[Choice]:
    """The listed answers in the schema's order. Choosing what the AI proposed is agreeing with it."""
    item, ticked = claim.item, start or []
    shares = {answers.key(entry.get("answer")): entry.get("confidence") for entry in item.alternatives}
    return [
        Choice(
            *_sends(claim, label),
            label=wording.answer(label),
            key=key,
            share=shares.get(answers.key(label)),
            ticked=item.kind == answers.LABELS and label in ticked,
        )
        for label, key in zip(item.answers, keys(item.answers), strict=True)
    ]


def share(alternatives: Iterable[Mapping[str, Any]], proposal: Any) -> float | None:
    found = (entry.get("confidence") for entry in alternatives if answers.same(entry.get("answer"), proposal))
    return next((share for share in found if isinstance(share, int | float)), None)


def _keep(claim: Claim, *, same: bool) -> Choice | None:
    if claim.first_kind is None or claim.first_kind == "unjudgeable":
        return None  # the act that keeps it asks for its reason: see `acts`
    if claim.first_kind != "answer":
        return Choice("verdict", claim.first_kind, _("Keep my answer"), "k")
    if claim.item.kind == answers.LABEL:
        return Choice("answer", claim.first_answer, _("Keep my answer"), "k")
    return None  # ticks and fields hold the first answer already: sending them keeps it


def _sends(claim: Claim, label: str) -> tuple[str, str]:
    proposed = claim.revealed and claim.item.kind == answers.LABEL and label == claim.item.proposal
    return ("verdict", "agree") if proposed else ("answer", label)
