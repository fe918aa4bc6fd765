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
from reviewqueue.desk.structured.fields import Typed
from reviewqueue.kernel.errors import Invalid
from reviewqueue.verdicts import validation, wording

KINDS = frozenset({"agree", "correct", "none", "unjudgeable", "escalate"})
# What a button says whose value is the reason for it.
_REASONED = ("escalate", "unjudgeable")
# The list of mistakes stands beside every button, and is meant only with those that find the AI wrong.
_MISTAKEN = frozenset({"correct", "none"})


class Posted(Protocol):
    """The part of a QueryDict that is needed."""

    def getlist(self, key: str) -> list[Any]: ...
    def __getitem__(self, key: str) -> Any: ...
    def __contains__(self, key: object) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...


@dataclass(frozen=True)
class Judgement:
    kind: str
    answer: Any
    reason: str
    note: str
    error_type: str
    active_seconds: float | None


@dataclass(frozen=True)
class First:
    """What somebody says before the proposal is shown: `answer`, `none` or `unjudgeable`; and what beside it."""

    kind: str
    answer: Any
    remarks: Mapping[str, str]


def read(posted: Posted) -> Judgement:
    """The judgement in a posted form; Invalid, with the places, when some of it makes no sense."""
    kind = _kind(posted)
    return Judgement(
        kind=kind,
        answer=_answer(posted) if kind == "correct" else None,
        reason=_reason(posted, kind),
        note=_text(posted, "note").strip(),
        error_type=_text(posted, "error_type") if kind in _MISTAKEN else "",
        active_seconds=_seconds(_text(posted, "active_seconds")),
    )


def typed(posted: Posted, errors: Iterable[Mapping[str, str]] = ()) -> Typed:
    """What was filled in or ticked, and what was wrong with it, for showing it again."""
    return Typed(
        texts={name: str(posted[name]) for name in posted if codec.is_part(name) or name == "whole"},
        ticked=posted.getlist("answers"),
        errors={error["pointer"].removeprefix("/answer"): error["detail"] for error in errors},
    )


def read_first(posted: Posted) -> First:
    """The first answer in a posted form; why something can't be judged is asked once, with the verdict."""
    kind, remarks = _kind(posted), {name: _text(posted, name) for name in validation.REMARKS if name in posted}
    if kind == "correct":
        return First(kind="answer", answer=_answer(posted), remarks=remarks)
    return First(kind=kind, answer=None, remarks=remarks)


def read_pass(posted: Posted) -> str:
    """Why somebody passes an item on, as a posted form says; Invalid without one of the reasons for it."""
    return _listed("pass", _text(posted, "pass"))


def _kind(posted: Posted) -> str:
    if "answer" in posted:
        return "correct"
    kind = next((name for name in _REASONED if name in posted), None) or _text(posted, "verdict")
    if kind not in KINDS:
        raise Invalid(_("Choose an answer."))
    return kind


def _reason(posted: Posted, kind: str) -> str:
    """Whoever has the final say tells why people differed, whatever they say."""
    if "reason_wanted" in posted:
        reason = _text(posted, "reason")
        if reason not in wording.REASONS:
            raise Invalid(_("Choose why people differed."), [{"pointer": "/reason", "detail": _("It is missing.")}])
        return reason
    return _listed(kind, _text(posted, kind)) if kind in _REASONED else _text(posted, "reason")


def _listed(kind: str, code: str) -> str:
    if code not in wording.REASONS_OF[kind]:
        raise Invalid(_("Choose a reason."), [{"pointer": "/reason", "detail": _("Choose one of the reasons.")}])
    return code


def _answer(posted: Posted) -> Any:
    """A label, a list of labels, or an object."""
    if "answer" in posted:
        return _text(posted, "answer")
    if "whole" in posted:
        return _whole(posted["whole"])
    parts = {name: posted[name] for name in posted if codec.is_part(name)}
    return _object(parts) if parts else _ticked(posted.getlist("answers"))


def _object(parts: dict[str, str]) -> dict[str, Any]:
    answer = codec.read(parts)
    if not answer:
        raise Invalid(_("Nothing is filled in. If there is nothing to fill in, choose “None of these”."))
    return answer


def _ticked(answers: list[Any]) -> list[Any]:
    if not answers:
        raise Invalid(_("Tick at least one answer, or choose “None of these”."))
    return answers


def _whole(text: str) -> Any:
    try:
        return codec.json_value(text)
    except ValueError as error:
        sentence = _("This is not JSON.")
        raise Invalid(sentence, [{"pointer": "/answer", "detail": sentence}]) from error


def _seconds(text: str) -> float | None:
    """How long the person was at it, as their page counted: a hint, so nonsense is simply not recorded."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 86_400 else None


def _text(posted: Posted, name: str) -> str:
    text = str(posted[name]) if name in posted else ""
    if "\0" in text:
        raise Invalid(_("The text has a character in it that cannot be stored."))
    return text
