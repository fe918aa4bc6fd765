"""Parses the desk's posted form into the arguments of a verdict, without looking at the item.

Field names: `verdict` or `answer` is the pressed button; `answers` are the ticked answers; the parts of a structured
answer are named as in `structured.codec`, or are one `whole`; `escalate`, `unjudgeable` and `pass` are buttons whose
value is the reason. `verdicts` checks whether an answer fits its schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django.utils.translation import gettext as _

from reviewqueue.desk.structured import codec
from reviewqueue.desk.structured.fields import TypedInput
from reviewqueue.kernel.errors import Invalid
from reviewqueue.verdicts import validation, wording

VERDICT_KINDS = frozenset({"agree", "correct", "none", "unjudgeable", "escalate"})
# Verdicts whose button has the reason as its value.
_KINDS_WITH_REASON = ("escalate", "unjudgeable")
# The error type is posted with every button, but applies only to verdicts that find the AI wrong.
_KINDS_WITH_ERROR_TYPE = frozenset({"correct", "none"})


class PostedFields(Protocol):
    """The part of a QueryDict that this module needs."""

    def getlist(self, key: str) -> list[Any]: ...
    def __getitem__(self, key: str) -> Any: ...
    def __contains__(self, key: object) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...


@dataclass(frozen=True)
class PostedVerdict:
    kind: str
    answer: Any
    reason: str
    note: str
    error_type: str
    active_seconds: float | None


@dataclass(frozen=True)
class PostedFirstAnswer:
    """An answer given before the proposal is shown: `answer`, `none` or `unjudgeable`, with its remarks."""

    kind: str
    answer: Any
    remarks: Mapping[str, str]
    active_seconds: float | None = None


def parse_verdict(posted: PostedFields) -> PostedVerdict:
    """The verdict in a posted form; Invalid, with the pointers, if a field cannot be read."""
    kind = _parse_kind(posted)
    return PostedVerdict(
        kind=kind,
        answer=_parse_answer(posted) if kind == "correct" else None,
        reason=_parse_reason(posted, kind),
        note=_get_text(posted, "note").strip(),
        error_type=_get_text(posted, "error_type") if kind in _KINDS_WITH_ERROR_TYPE else "",
        active_seconds=_parse_seconds(_get_text(posted, "active_seconds")),
    )


def parse_typed_input(posted: PostedFields, errors: Iterable[Mapping[str, str]] = ()) -> TypedInput:
    """The refused input and its errors, to show the form again."""
    return TypedInput(
        texts={name: str(posted[name]) for name in posted if codec.is_field_name(name) or name == "whole"},
        ticked=posted.getlist("answers"),
        errors={error["pointer"].removeprefix("/answer"): error["detail"] for error in errors},
    )


def parse_first_answer(posted: PostedFields) -> PostedFirstAnswer:
    """The first answer in a posted form; the reason for "can't be judged" comes later, with the verdict."""
    kind = _parse_kind(posted)
    remarks = {name: _get_text(posted, name) for name in validation.REMARK_FIELDS if name in posted}
    seconds = _parse_seconds(_get_text(posted, "active_seconds"))
    if kind == "correct":
        return PostedFirstAnswer("answer", _parse_answer(posted), remarks, seconds)
    return PostedFirstAnswer(kind, None, remarks, seconds)


def parse_pass_reason(posted: PostedFields) -> str:
    """The reason for passing an item; Invalid if it is not one of the listed reasons."""
    return _check_reason("pass", _get_text(posted, "pass"))


def _parse_kind(posted: PostedFields) -> str:
    if "answer" in posted:
        return "correct"
    kind = next((name for name in _KINDS_WITH_REASON if name in posted), None) or _get_text(posted, "verdict")
    if kind not in VERDICT_KINDS:
        raise Invalid(_("Choose an answer."))
    return kind


def _parse_reason(posted: PostedFields, kind: str) -> str:
    """The reason code; the final say always needs one of FINAL_SAY_REASONS, whatever the verdict."""
    if "reason_wanted" in posted:
        reason = _get_text(posted, "reason")
        if reason not in wording.FINAL_SAY_REASONS:
            raise Invalid(
                _("Choose why reviewers disagreed."), [{"pointer": "/reason", "detail": _("Choose a reason.")}]
            )
        return reason
    return _check_reason(kind, _get_text(posted, kind)) if kind in _KINDS_WITH_REASON else _get_text(posted, "reason")


def _check_reason(kind: str, code: str) -> str:
    if code not in wording.REASONS_BY_ACTION[kind]:
        raise Invalid(_("Choose a reason."), [{"pointer": "/reason", "detail": _("Choose one of the reasons.")}])
    return code


def _parse_answer(posted: PostedFields) -> Any:
    """A label, a list of labels, or an object. An empty list or object is an answer, too: nothing applies."""
    if "answer" in posted:
        return _get_text(posted, "answer")
    if "whole" in posted:
        return _parse_whole_answer(posted["whole"])
    parts = {name: posted[name] for name in posted if codec.is_field_name(name)}
    return codec.parse_answer(parts) if parts else posted.getlist("answers")


def _parse_whole_answer(text: str) -> Any:
    if not text.strip():
        return {}
    try:
        return codec.parse_json_value(text)
    except ValueError as error:
        sentence = _("Invalid JSON. Correct it and try again.")
        raise Invalid(sentence, [{"pointer": "/answer", "detail": sentence}]) from error


def _parse_seconds(text: str) -> float | None:
    """The active seconds that the page counted. Only a hint: an invalid value is None."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 86_400 else None


def _get_text(posted: PostedFields, name: str) -> str:
    text = str(posted[name]) if name in posted else ""
    if "\0" in text:
        raise Invalid(_("The text contains an invalid character (U+0000). Remove it and try again."))
    return text
