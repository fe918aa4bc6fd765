"""The answers to press or tick, each with its shortcut and the AI's confidence in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from reviewqueue.answers import schema
from reviewqueue.desk import pairs
from reviewqueue.queue.claim_view import Claim
from reviewqueue.verdicts import wording

# From this many answers, a list is easier to search than to read, and the digits do not reach its end.
MIN_CHOICES_TO_SEARCH = 11
MAX_SUGGESTIONS = 9  # the AI's likeliest answers, each with a digit


@dataclass(frozen=True)
class Choice:
    """One button or checkbox; the form sends `name` and `value`."""

    name: str
    value: str
    label: str
    key: str = ""
    confidence: float | None = None
    ticked: bool = False
    suggested: bool = False


def assign_shortcuts(labels: Sequence[str]) -> list[str]:
    """A key for each answer: the answer itself if all are single digits, else 1 to 9, then 0, then none."""
    if _are_digits(labels):
        return list(labels)
    return [*"1234567890", *[""] * len(labels)][: len(labels)]


def list_agree_choices(claim: Claim, *, same: bool) -> list[Choice]:
    """Agree with the AI, and keep the first answer; empty before the proposal is shown.

    `same`: the first answer is the proposal.
    """
    if not claim.revealed:
        return []
    keep = _keep_choice(claim, same=same)
    agree = Choice("verdict", "agree", _("Agree with the AI"), "a")
    if same:
        return [Choice("verdict", "agree", _("Keep it: you and the AI agree"), "k a")]
    return [keep, agree] if keep else [agree]


def list_answer_choices(claim: Claim, start: Any, *, candidates: Sequence[str] = ()) -> list[Choice]:
    """The schema's answers with their shortcuts; choosing the proposal counts as agreeing.

    They keep the schema's order, so that reviewers learn the keys; in a searchable list, the AI's suggestions come
    first. `candidates`: the names of the candidates on the page, "" for one without.
    """
    item, ticked = claim.item, start or []
    shares = {schema.canonical_key(entry.get("answer")): entry.get("confidence") for entry in item.alternatives}
    first = _suggest_labels(claim, shares)
    labels = [*first, *(label for label in item.answers if label not in first)]
    # Words that are not one to one would make two buttons look the same.
    as_written = len({wording.format_answer(label) for label in labels}) < len(labels)
    return [
        Choice(
            *_form_entry(claim, label),
            label=label if as_written else wording.format_answer(label),
            key=key,
            confidence=shares.get(schema.canonical_key(label)),
            ticked=item.kind == schema.LABELS and label in ticked,
            suggested=label in first,
        )
        for label, key in zip(labels, _shortcuts_for(labels, candidates), strict=True)
    ]


def find_proposal_confidence(alternatives: Iterable[Mapping[str, Any]], proposal: Any) -> float | None:
    found = (entry.get("confidence") for entry in alternatives if schema.answers_match(entry.get("answer"), proposal))
    return next((share for share in found if isinstance(share, int | float)), None)


def _suggest_labels(claim: Claim, shares: Mapping[str, Any]) -> list[str]:
    """The first answers of a searchable list: the AI's ticks and likeliest answers, as many as there are digits.

    None for answer-first claims: the order would reveal the proposal, and it would change after the first answer.
    """
    item = claim.item
    if claim.answer_first or len(item.answers) < MIN_CHOICES_TO_SEARCH:
        return []
    theirs = item.proposal if item.kind == schema.LABELS and isinstance(item.proposal, list) else []
    confidence = {label: _confidence_or_zero(shares.get(schema.canonical_key(label))) for label in item.answers}
    likely = [label for label in item.answers if label in theirs or schema.canonical_key(label) in shares]
    return sorted(likely, key=lambda label: (label not in theirs, -confidence[label]))[:MAX_SUGGESTIONS]


def _shortcuts_for(labels: Sequence[str], candidates: Sequence[str]) -> list[str]:
    """The shortcuts of the answers; where candidates are shown under numbers, their numbers."""
    if len(candidates) < 2 or _are_digits(labels):
        return assign_shortcuts(labels)
    return pairs.assign_pair_shortcuts(labels, candidates)


def _are_digits(labels: Sequence[str]) -> bool:
    return all(len(label) == 1 and label.isascii() and label.isdigit() for label in labels)


def _confidence_or_zero(share: Any) -> float:
    return float(share) if isinstance(share, int | float) else 0.0


def _keep_choice(claim: Claim, *, same: bool) -> Choice | None:
    if claim.first_kind is None or claim.first_kind == "unjudgeable":
        return None  # the action that keeps it asks for a reason: see `actions`
    if claim.first_kind != "answer":
        return Choice("verdict", claim.first_kind, _("Keep my answer"), "k")
    if claim.item.kind == schema.LABEL:
        return Choice("answer", claim.first_answer, _("Keep my answer"), "k")
    return None  # checkboxes and fields already hold the first answer: sending them keeps it


def _form_entry(claim: Claim, label: str) -> tuple[str, str]:
    proposed = claim.revealed and claim.item.kind == schema.LABEL and label == claim.item.proposal
    return ("verdict", "agree") if proposed else ("answer", label)
