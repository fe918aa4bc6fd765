"""What a person says about an item, checked against what can be said about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from reviewqueue.answers import schema
from reviewqueue.answers.schema import Form
from reviewqueue.answers.text import MAX_NOTE, MAX_REASON, _wrong, check_text
from reviewqueue.models import Verdict

Kind = Verdict.Kind
ANSWER, NONE, UNJUDGEABLE = "answer", "none", "unjudgeable"
MISTAKEN = frozenset({Kind.CORRECT, Kind.NONE})  # verdicts that find the proposal wrong
REMARKS = ("note", "reason", "error_type")  # what is said beside an answer


@dataclass(frozen=True, slots=True)
class Asked:
    """What can be said about an item: the form of its answers, the one that was proposed, and the kinds of mistakes
    that the queue knows."""

    form: Form
    proposal: Any
    error_types: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict's words after validation: what two submits are compared by."""

    kind: str
    answer: Any
    reason: str
    note: str
    error_type: str = ""

    def matches(self, verdict: Verdict) -> bool:
        told = (verdict.kind, verdict.reason, verdict.note, verdict.error_type)
        mine = (self.kind, self.reason, self.note, self.error_type)
        return told == mine and schema.same(verdict.answer, self.answer)


def verdict(asked: Asked, *, kind: str, answer: Any, reason: str, note: str, error_type: str = "") -> Said:
    """A verdict's words. The answer that was proposed, said in other words, is agreement. Raises Invalid.

    Whether its kind of mistake is one is for `check_error_type`: the queue may have named others since.
    """
    if kind not in Kind.values:
        raise _wrong("/verdict", _("This is not a verdict: agree, correct, none, unjudgeable or escalate."))
    check_text("/reason", reason, most=MAX_REASON)
    check_text("/note", note, most=MAX_NOTE)
    if kind != Kind.CORRECT and answer is not None:
        raise _wrong("/answer", _("The verdict %(kind)s has no answer of its own.") % {"kind": kind})
    if kind == Kind.CORRECT:
        answer = schema.normalised(answer, asked.form)
        if schema.same(answer, asked.proposal):
            kind = Kind.AGREE
    if kind == Kind.AGREE:
        answer = schema.normalised(asked.proposal, asked.form, pointer="/verdict")
    return Said(kind=str(kind), answer=answer, reason=reason, note=note, error_type=error_type)


def check_error_type(said: Said, *, among: Sequence[str]) -> None:
    """Raise Invalid unless the kind of mistake is one of `among`, and goes with a verdict that finds one."""
    if not said.error_type:
        return
    if said.kind not in MISTAKEN:
        raise _wrong(
            "/error_type", _("A kind of mistake goes with another answer than the AI's, or with “None of these”.")
        )
    if said.error_type not in among:
        raise _wrong("/error_type", _("This is not one of the stream's kinds of mistakes."))


def first_answer(asked: Asked, *, kind: str, answer: Any) -> Any:
    """What somebody answers first, normalised; None when they say `none` or `unjudgeable`. Raises Invalid."""
    if kind == ANSWER:
        return schema.normalised(answer, asked.form)
    if kind not in {NONE, UNJUDGEABLE}:
        raise _wrong("/instead", _("A first answer is an answer, none or unjudgeable."))
    if answer is not None:
        raise _wrong("/answer", _("Give either an answer or what is said instead of one."))
    return None
