"""What a person says about an item, checked against what can be said about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from reviewqueue.answers import schema
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.answers.text import MAX_NOTE_CHARACTERS, MAX_REASON_CHARACTERS, _invalid, check_text
from reviewqueue.models import Verdict

VerdictKind = Verdict.Kind
ANSWER_KIND, NONE_KIND, UNJUDGEABLE_KIND = "answer", "none", "unjudgeable"
DISAGREEING_KINDS = frozenset({VerdictKind.CORRECT, VerdictKind.NONE})  # verdicts that find the proposal wrong
REMARK_FIELDS = ("note", "reason", "error_type")  # what is said beside an answer


@dataclass(frozen=True, slots=True)
class VerdictOptions:
    """What can be said about an item: the form of its answers, the one that was proposed, and the kinds of mistakes
    that the queue knows."""

    form: AnswerSpec
    proposal: Any
    error_types: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class VerdictContent:
    """A verdict's words after validation: what two submits are compared by."""

    kind: str
    answer: Any
    reason: str
    note: str
    error_type: str = ""

    def matches(self, verdict: Verdict) -> bool:
        told = (verdict.kind, verdict.reason, verdict.note, verdict.error_type)
        mine = (self.kind, self.reason, self.note, self.error_type)
        return told == mine and schema.answers_match(verdict.answer, self.answer)


def validate_verdict(
    asked: VerdictOptions, *, kind: str, answer: Any, reason: str, note: str, error_type: str = ""
) -> VerdictContent:
    """A verdict's words. The answer that was proposed, said in other words, is agreement. Raises Invalid.

    Whether its kind of mistake is one is for `check_error_type`: the queue may have named others since.
    """
    if kind not in VerdictKind.values:
        raise _invalid("/verdict", _("This is not a verdict: agree, correct, none, unjudgeable or escalate."))
    check_text("/reason", reason, most=MAX_REASON_CHARACTERS)
    check_text("/note", note, most=MAX_NOTE_CHARACTERS)
    if kind != VerdictKind.CORRECT and answer is not None:
        raise _invalid("/answer", _("The verdict %(kind)s has no answer of its own.") % {"kind": kind})
    if kind == VerdictKind.CORRECT:
        answer = schema.normalize_answer(answer, asked.form)
        if schema.answers_match(answer, asked.proposal):
            kind = VerdictKind.AGREE
    if kind == VerdictKind.AGREE:
        answer = schema.normalize_answer(asked.proposal, asked.form, pointer="/verdict")
    return VerdictContent(kind=str(kind), answer=answer, reason=reason, note=note, error_type=error_type)


def check_error_type(said: VerdictContent, *, among: Sequence[str]) -> None:
    """Raise Invalid unless the kind of mistake is one of `among`, and goes with a verdict that finds one."""
    if not said.error_type:
        return
    if said.kind not in DISAGREEING_KINDS:
        raise _invalid(
            "/error_type", _("A kind of mistake goes with another answer than the AI's, or with “None of these”.")
        )
    if said.error_type not in among:
        raise _invalid("/error_type", _("This is not one of the stream's kinds of mistakes."))


def validate_first_answer(asked: VerdictOptions, *, kind: str, answer: Any) -> Any:
    """What somebody answers first, normalised; None when they say `none` or `unjudgeable`. Raises Invalid."""
    if kind == ANSWER_KIND:
        return schema.normalize_answer(answer, asked.form)
    if kind not in {NONE_KIND, UNJUDGEABLE_KIND}:
        raise _invalid("/instead", _("A first answer is an answer, none or unjudgeable."))
    if answer is not None:
        raise _invalid("/answer", _("Give either an answer or what is said instead of one."))
    return None
