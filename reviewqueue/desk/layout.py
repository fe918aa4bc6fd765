"""The desk for one claim: the content as blocks and the answers with their shortcuts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from reviewqueue import content
from reviewqueue.accounts.keyboard import Keymap
from reviewqueue.answers import schema
from reviewqueue.content.extent import describe_length
from reviewqueue.desk import actions, opinions
from reviewqueue.desk.choices import (
    MIN_CHOICES_TO_SEARCH,
    Choice,
    find_proposal_confidence,
    list_agree_choices,
    list_answer_choices,
)
from reviewqueue.desk.field_opinions import AskedOpinions, compare_asked_fields, suggest_answer
from reviewqueue.desk.structured import codec, layout
from reviewqueue.desk.structured.fields import StructuredForm, TypedInput
from reviewqueue.desk.structured.kept import KeptFields, build_kept_fields
from reviewqueue.queue.claim_view import Claim
from reviewqueue.verdicts import wording

DEFAULT_KEYMAP = Keymap()

# open: the proposal is visible. first: answer before it is shown. keep: it is shown now, keep or change the answer.
ReviewStage = Literal["open", "first", "keep"]
_KINDS_WITH_ANSWER = frozenset({"agree", "correct"})


@dataclass(frozen=True)
class DeskLayout:
    stage: ReviewStage
    kind: str
    question: str
    blocks: Sequence[content.Block]
    length_note: str  # how long the text is, if it is long enough to search in; else ""
    context: Sequence[tuple[str, str]]
    why: str
    confidence: float | None
    first_label: str
    first_matches_proposal: bool
    starts_with_proposal: bool  # whether the checkboxes or fields hold the AI's answer at first
    agree_choices: Sequence[Choice]
    choices: Sequence[Choice]
    form: StructuredForm | None
    asked_count: int  # how many fields are asked for; 0 for the whole answer
    kept: KeptFields | None  # the other fields of the answer, where only some are asked for
    submit_choice: Choice
    none_choice: Choice
    opinions: Sequence[opinions.Opinion]
    asked_opinions: AskedOpinions | None
    reasons: Sequence[tuple[str, Promise]]
    error_types: Sequence[str]
    actions: Sequence[actions.DeskAction]

    @property
    def answers_template(self) -> str:
        return f"reviewqueue/desk/answers_{self.kind}.html"

    @property
    def shows_proposal(self) -> bool:
        """Whether the AI's answer has a place above the answers; single fields show it where it is checked."""
        return self.stage == "keep" or (self.stage == "open" and not self.asked_count)

    @property
    def searchable(self) -> bool:
        """Whether there are enough choices to need a search."""
        return len(self.choices) >= MIN_CHOICES_TO_SEARCH

    @property
    def ticked(self) -> int:
        return sum(choice.ticked for choice in self.choices)

    @property
    def compact(self) -> bool:
        """Whether the answers are short (digits, letters, grades), so that several fit on a line."""
        return bool(self.choices) and all(len(choice.value) <= 2 for choice in self.choices if choice.name == "answer")


def build_layout(claim: Claim, typed: TypedInput | None = None, *, keys: Keymap = DEFAULT_KEYMAP) -> DeskLayout:
    """Everything that the desk shows of a claim, in its order, wording and shortcuts.

    `typed` is the reviewer's input from a refused form.
    """
    item, stage = claim.item, stage_of(claim)
    start = _initial_answer(claim) if typed is None or item.kind != schema.LABELS else typed.ticked
    same = stage == "keep" and claim.first_kind == "answer" and schema.is_same_answer(claim.first_answer, item.proposal)
    blocks = content.build_blocks(item.input, item.display, proposal=item.proposal if claim.revealed else None)
    choices = list_answer_choices(claim, start, candidates=_candidate_names(blocks))
    return DeskLayout(
        stage=stage,
        kind=item.kind,
        question=item.question or _("What is the right answer?"),
        blocks=blocks,
        length_note=describe_length(item.input),
        context=content.list_facts(item.context),
        why=wording.explain_review(item.why),
        confidence=find_proposal_confidence(item.alternatives, item.proposal) if claim.revealed else None,
        first_label=_describe_first_answer(claim),
        first_matches_proposal=same,
        starts_with_proposal=claim.revealed and schema.is_same_answer(start, item.proposal),
        agree_choices=_apply_shortcuts(list_agree_choices(claim, same=same), keys),
        choices=[] if item.kind == schema.STRUCTURED else _apply_shortcuts(choices, keys),
        form=_build_form(claim, start, typed) if item.kind == schema.STRUCTURED else None,
        asked_count=len(item.asked or ()),
        kept=_build_kept(claim),
        submit_choice=Choice("verdict", "correct", _submit_label(item.kind), "enter"),
        none_choice=Choice("verdict", "none", _none_label(item.kind), keys["none"]),
        opinions=opinions.list_opinions(claim),
        asked_opinions=compare_asked_fields(claim),
        reasons=list(wording.FINAL_SAY_REASONS.items()) if opinions.differ(claim) else [],
        error_types=item.error_types if claim.revealed else [],
        actions=[
            replace(action, reasons=_apply_shortcuts(action.reasons, keys))
            for action in _apply_shortcuts(actions.list_actions(claim), keys)
        ],
    )


def _candidate_names(blocks: Sequence[content.Block]) -> list[str]:
    """The names of the candidates that the page numbers, "" for one without."""
    shown = next((block.data for block in blocks if block.kind == "candidates"), None)
    return [candidate.name for candidate in shown.candidates] if shown else []


def _none_label(kind: str) -> str:
    """The AI is wrong and no listed answer is right: the button of `wording.describe_none`."""
    return _("Something not listed") if kind == schema.LABELS else _("None of these")


def _describe_first_answer(claim: Claim) -> str:
    """The first answer in words, as its button says it; "" without one, or if the form below holds it."""
    if claim.first_kind is None or (claim.item.kind == schema.STRUCTURED and claim.first_answer):
        return ""
    return wording.describe_verdict(claim.first_kind, claim.first_answer, answers_kind=claim.item.kind)


def stage_of(claim: Claim) -> ReviewStage:
    if not claim.answer_first:
        return "open"
    return "keep" if claim.revealed else "first"


def _apply_shortcuts[K: (actions.DeskAction, actions.ActionReason, Choice)](
    buttons: Sequence[K], keys: Keymap
) -> list[K]:
    """Replace the default shortcuts by the person's own."""
    return [replace(button, key=keys.translate_defaults(button.key)) for button in buttons]


def _submit_label(kind: str) -> str:
    """What Enter sends. While nothing is ticked, the page's script says "Nothing applies" instead."""
    return _("Send these answers") if kind == schema.LABELS else _("Send this answer")


def _initial_answer(claim: Claim) -> Any:
    """The initial value of checkboxes and fields: the undone answer, the first answer, the AI's answer, or none.

    A final say on single fields begins with what the reviewers agree on.

    Somebody who found first that no listed answer is right, or that it can't be judged, gets empty ones: with the AI's
    answer in them, Enter would send what they rejected.
    """
    if claim.undone is not None and claim.undone.kind in _KINDS_WITH_ANSWER:
        return claim.undone.answer
    if claim.first_kind is not None:
        return claim.first_answer if claim.first_kind == "answer" else None
    if claim.final_say and claim.item.asked is not None:
        return suggest_answer(claim)
    return claim.item.proposal if claim.revealed else None


def _build_form(claim: Claim, start: Any, typed: TypedInput | None) -> StructuredForm:
    item = claim.item
    return layout.build_form(
        schema=item.schema or {},
        start=start,
        proposed=item.proposal if claim.revealed else codec.ABSENT,
        hints=(item.field_hints or {}) if claim.revealed else {},
        typed=typed,
        asked=item.asked,
    )


def _build_kept(claim: Claim) -> KeptFields | None:
    item = claim.item
    if item.asked is None:
        return None
    return build_kept_fields(item.kept or {}, schema=item.schema or {}, asked=list(item.asked))
