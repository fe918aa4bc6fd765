"""Validate verdicts and first answers against an item's options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from reviewqueue.answers import partial, schema
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.answers.text import MAX_NOTE_CHARACTERS, MAX_REASON_CHARACTERS, build_invalid, check_text
from reviewqueue.kernel import choices
from reviewqueue.kernel.errors import Invalid
from reviewqueue.models import Verdict

VerdictKind = Verdict.Kind
ANSWER_KIND, NONE_KIND, UNJUDGEABLE_KIND = "answer", "none", "unjudgeable"
DISAGREEING_KINDS = frozenset({VerdictKind.CORRECT, VerdictKind.NONE})  # verdicts that say the proposal is wrong
REMARK_FIELDS = ("note", "reason", "error_type")  # fields that accompany an answer


@dataclass(frozen=True, slots=True)
class VerdictOptions:
    """What a verdict on an item may contain: its answer schema, its proposed answer and the queue's error types.

    `asked`: JSON Pointers of the fields that it gives, None for the whole answer.
    """

    form: AnswerSpec
    proposal: Any
    error_types: Sequence[str] = ()
    asked: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class VerdictContent:
    """A validated verdict; two submissions are the same if these fields are written the same."""

    kind: str
    answer: Any
    reason: str
    note: str
    error_type: str = ""

    def matches(self, verdict: Verdict) -> bool:
        stored = (verdict.kind, verdict.reason, verdict.note, verdict.error_type)
        submitted = (self.kind, self.reason, self.note, self.error_type)
        return stored == submitted and schema.is_same_answer(verdict.answer, self.answer)


def validate_verdict(
    options: VerdictOptions, *, kind: str, answer: Any, reason: str, note: str, error_type: str = ""
) -> VerdictContent:
    """Validate a verdict. `correct` with exactly the proposed answer becomes `agree`. Raises Invalid.

    The error type is left to `check_error_type`: a repeat must match even if the queue's error types have changed.
    """
    if kind not in VerdictKind.values:
        raise build_invalid("/verdict", _("A verdict must be agree, correct, none, unjudgeable or escalate."))
    check_text("/reason", reason, max_characters=MAX_REASON_CHARACTERS)
    check_text("/note", note, max_characters=MAX_NOTE_CHARACTERS)
    if kind != VerdictKind.CORRECT and answer is not None:
        raise build_invalid("/answer", _("The verdict %(kind)s does not take an answer. Remove it.") % {"kind": kind})
    if kind == VerdictKind.CORRECT:
        answer = _complete_answer(answer, options)
        if schema.is_same_answer(answer, options.proposal):
            kind = VerdictKind.AGREE
    if kind == VerdictKind.AGREE:
        answer = _accept_proposal(options)
    return VerdictContent(kind=str(kind), answer=answer, reason=reason, note=note, error_type=error_type)


def _complete_answer(answer: Any, options: VerdictOptions) -> Any:
    """The whole answer, as stored, of somebody who may have given only the fields that they were asked for."""
    whole = partial.complete(answer, options.proposal, options.asked)
    return partial.normalize(whole, options.form, options.asked)


def _accept_proposal(options: VerdictOptions) -> Any:
    """The proposed answer. Raises Invalid, with pointers to what to correct, if the item does not allow it."""
    try:
        return schema.normalize_answer(options.proposal, options.form, pointer="/answer")
    except Invalid as refusal:
        detail = _(
            "The AI's answer does not match the form of this stream, so it cannot be accepted as it is. "
            "Correct it, or choose another verdict."
        )
        raise Invalid(detail, refusal.errors) from refusal


def check_error_type(verdict: VerdictContent, *, among: Sequence[str]) -> None:
    """Raise Invalid unless the error type is empty, or one of `among` on a verdict that disagrees with the proposal."""
    if not verdict.error_type:
        return
    if verdict.kind not in DISAGREEING_KINDS:
        raise build_invalid(
            "/error_type",
            _("An error type is allowed only with “None of these” or an answer that differs from the AI's."),
        )
    if not among:
        raise build_invalid("/error_type", _("This stream has no error types. Remove it."))
    if verdict.error_type not in among:
        raise build_invalid(
            "/error_type",
            _("This must be one of the stream's error types %(types)s (%(mismatch)s).")
            % {
                "types": choices.list_choices(among),
                "mismatch": choices.describe_mismatch(verdict.error_type, among),
            },
        )


def validate_first_answer(options: VerdictOptions, *, kind: str, answer: Any) -> Any:
    """The first answer, whole and normalised; None for `none` and `unjudgeable`. Raises Invalid."""
    if kind == ANSWER_KIND:
        return _complete_answer(answer, options)
    if kind not in {NONE_KIND, UNJUDGEABLE_KIND}:
        raise build_invalid("/instead", _("A first answer must be answer, none or unjudgeable."))
    if answer is not None:
        raise build_invalid("/answer", _("Send either an answer or none/unjudgeable instead of one, not both."))
    return None
