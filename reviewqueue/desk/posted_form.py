"""What a person posted from the desk, read into the arguments of a verdict. It knows no item and no row.

The form names say what stands in them: `verdict` or `answer` is the button pressed, `answers` are the ticked ones, and
the parts of a structured answer are named as `entries` says, or are one `whole`. `escalate`, `unjudgeable` and `pass`
are buttons whose value is the reason. Whether an answer fits its schema is for `verdicts` to say.
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
# What a button says whose value is the reason for it.
_KINDS_WITH_REASON = ("escalate", "unjudgeable")
# The list of mistakes stands beside every button, and is meant only with those that find the AI wrong.
_KINDS_WITH_ERROR_TYPE = frozenset({"correct", "none"})


class PostedFields(Protocol):
    """The part of a QueryDict that is needed."""

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
    """What somebody says before the proposal is shown: `answer`, `none` or `unjudgeable`; and what beside it."""

    kind: str
    answer: Any
    remarks: Mapping[str, str]


def parse_verdict(posted: PostedFields) -> PostedVerdict:
    """The judgement in a posted form; Invalid, with the places, when some of it makes no sense."""
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
    """What was filled in or ticked, and what was wrong with it, for showing it again."""
    return TypedInput(
        texts={name: str(posted[name]) for name in posted if codec.is_field_name(name) or name == "whole"},
        ticked=posted.getlist("answers"),
        errors={error["pointer"].removeprefix("/answer"): error["detail"] for error in errors},
    )


def parse_first_answer(posted: PostedFields) -> PostedFirstAnswer:
    """The first answer in a posted form; why something can't be judged is asked once, with the verdict."""
    kind, remarks = (
        _parse_kind(posted),
        {name: _get_text(posted, name) for name in validation.REMARK_FIELDS if name in posted},
    )
    if kind == "correct":
        return PostedFirstAnswer(kind="answer", answer=_parse_answer(posted), remarks=remarks)
    return PostedFirstAnswer(kind=kind, answer=None, remarks=remarks)


def parse_pass_reason(posted: PostedFields) -> str:
    """Why somebody passes an item on, as a posted form says; Invalid without one of the reasons for it."""
    return _check_reason("pass", _get_text(posted, "pass"))


def _parse_kind(posted: PostedFields) -> str:
    if "answer" in posted:
        return "correct"
    kind = next((name for name in _KINDS_WITH_REASON if name in posted), None) or _get_text(posted, "verdict")
    if kind not in VERDICT_KINDS:
        raise Invalid(_("Choose an answer."))
    return kind


def _parse_reason(posted: PostedFields, kind: str) -> str:
    """Whoever has the final say tells why people differed, whatever they say."""
    if "reason_wanted" in posted:
        reason = _get_text(posted, "reason")
        if reason not in wording.FINAL_SAY_REASONS:
            raise Invalid(_("Choose why people differed."), [{"pointer": "/reason", "detail": _("It is missing.")}])
        return reason
    return _check_reason(kind, _get_text(posted, kind)) if kind in _KINDS_WITH_REASON else _get_text(posted, "reason")


def _check_reason(kind: str, code: str) -> str:
    if code not in wording.REASONS_BY_ACTION[kind]:
        raise Invalid(_("Choose a reason."), [{"pointer": "/reason", "detail": _("Choose one of the reasons.")}])
    return code


def _parse_answer(posted: PostedFields) -> Any:
    """A label, a list of labels, or an object."""
    if "answer" in posted:
        return _get_text(posted, "answer")
    if "whole" in posted:
        return _parse_whole_answer(posted["whole"])
    parts = {name: posted[name] for name in posted if codec.is_field_name(name)}
    return _parse_object(parts) if parts else _require_ticked(posted.getlist("answers"))


def _parse_object(parts: dict[str, str]) -> dict[str, Any]:
    answer = codec.parse_answer(parts)
    if not answer:
        raise Invalid(_("Nothing is filled in. If there is nothing to fill in, choose “None of these”."))
    return answer


def _require_ticked(answers: list[Any]) -> list[Any]:
    if not answers:
        raise Invalid(_("Tick at least one answer, or choose “None of these”."))
    return answers


def _parse_whole_answer(text: str) -> Any:
    try:
        return codec.parse_json_value(text)
    except ValueError as error:
        sentence = _("This is not JSON.")
        raise Invalid(sentence, [{"pointer": "/answer", "detail": sentence}]) from error


def _parse_seconds(text: str) -> float | None:
    """How long the person was at it, as their page counted: a hint, so nonsense is simply not recorded."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 86_400 else None


def _get_text(posted: PostedFields, name: str) -> str:
    text = str(posted[name]) if name in posted else ""
    if "\0" in text:
        raise Invalid(_("The text has a character in it that cannot be stored."))
    return text
