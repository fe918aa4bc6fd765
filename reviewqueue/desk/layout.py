"""What stands on the desk for one claim: the content in blocks, the answers with their keys. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from reviewqueue import content
from reviewqueue.accounts.keyboard import Keymap
from reviewqueue.answers import schema
from reviewqueue.content.extent import told
from reviewqueue.desk import actions, opinions
from reviewqueue.desk.choices import SEARCHED, Choice, listed
from reviewqueue.desk.choices import decisive as choices_decisive
from reviewqueue.desk.choices import share as choices_share
from reviewqueue.desk.structured import codec, layout
from reviewqueue.desk.structured.fields import Form, Typed
from reviewqueue.queue.claim_view import Claim
from reviewqueue.verdicts import wording

DEFAULT_KEYS = Keymap()

# open: answer with the proposal in sight. first: answer without. keep: the proposal is shown, keep or change.
Stage = Literal["open", "first", "keep"]
_ANSWERING = frozenset({"agree", "correct"})


@dataclass(frozen=True)
class Sheet:
    stage: Stage
    kind: str
    question: str
    blocks: Sequence[content.Block]
    extent: str  # how long a text is that one may want to search
    context: Sequence[tuple[str, str]]
    why: str
    share: float | None
    first_label: str
    same: bool
    decisive: Sequence[Choice]
    choices: Sequence[Choice]
    form: Form | None
    send: str
    sides: Sequence[opinions.Side]
    reasons: Sequence[tuple[str, Promise]]
    error_types: Sequence[str]
    acts: Sequence[actions.Act]

    @property
    def answers_template(self) -> str:
        return f"reviewqueue/desk/answers_{self.kind}.html"

    @property
    def many(self) -> bool:
        """So many that they are searched."""
        return len(self.choices) >= SEARCHED

    @property
    def ticked(self) -> int:
        return sum(choice.ticked for choice in self.choices)

    @property
    def short(self) -> bool:
        """Digits, letters, grades: several fit on a line."""
        return bool(self.choices) and all(len(choice.value) <= 2 for choice in self.choices if choice.name == "answer")


def lay_out(claim: Claim, typed: Typed | None = None, *, keys: Keymap = DEFAULT_KEYS) -> Sheet:
    """Everything that the desk shows of a claim, in the order, the words and with the keys in which it shows it.

    `typed` is what the person had filled in when that was refused."""
    item, stage = claim.item, stage_of(claim)
    start = _starting_point(claim) if typed is None or item.kind != schema.LABELS else typed.ticked
    same = stage == "keep" and claim.first_kind == "answer" and schema.same(claim.first_answer, item.proposal)
    return Sheet(
        stage=stage,
        kind=item.kind,
        question=item.question or _("What is the right answer?"),
        blocks=content.blocks(item.input, item.display, proposal=item.proposal if claim.revealed else None),
        extent=told(item.input),
        context=content.facts(item.context),
        why=wording.why(item.why),
        share=choices_share(item.alternatives, item.proposal) if claim.revealed else None,
        first_label=wording.said(claim.first_kind or "", claim.first_answer) if claim.first_kind else "",
        same=same,
        decisive=_keyed(choices_decisive(claim, same=same), keys),
        choices=[] if item.kind == schema.STRUCTURED else _keyed(listed(claim, start), keys),
        form=_form(claim, start, typed) if item.kind == schema.STRUCTURED else None,
        send=_("Send these answers") if item.kind == schema.LABELS else _("Send this answer"),
        sides=opinions.of(claim),
        reasons=list(wording.REASONS.items()) if claim.final_say else [],
        error_types=item.error_types if claim.revealed else [],
        acts=[replace(act, reasons=_keyed(act.reasons, keys)) for act in _keyed(actions.of(claim), keys)],
    )


def stage_of(claim: Claim) -> Stage:
    if not claim.answer_first:
        return "open"
    return "keep" if claim.revealed else "first"


def _keyed[K: (actions.Act, actions.Reason, Choice)](pressed: Sequence[K], keys: Keymap) -> list[K]:
    """With the person's keys in the place of the default ones."""
    return [replace(one, key=keys.instead(one.key)) for one in pressed]


def _starting_point(claim: Claim) -> Any:
    """What ticks and fields hold at first: what one took back, one's own first answer, the AI's, or nothing."""
    if claim.undone is not None and claim.undone.kind in _ANSWERING:
        return claim.undone.answer
    if claim.first_kind == "answer":
        return claim.first_answer
    return claim.item.proposal if claim.revealed else None


def _form(claim: Claim, start: Any, typed: Typed | None) -> Form:
    item = claim.item
    return layout.of(
        schema=item.schema or {},
        start=start,
        proposed=item.proposal if claim.revealed else codec.ABSENT,
        hints=(item.field_hints or {}) if claim.revealed else {},
        typed=typed,
    )
