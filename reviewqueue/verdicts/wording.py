"""Screen texts for answers, verdicts, reasons, deadlines and shares. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reviewqueue.answers import schema
from reviewqueue.content import format_plain
from reviewqueue.kernel import locale_format

# Why the answers differed: asked with the final say.
FINAL_SAY_REASONS: dict[str, Promise] = {
    "ambiguous": gettext_lazy("The item is ambiguous"),
    "guideline_gap": gettext_lazy("The guidelines don’t cover it"),  # noqa: RUF001 - an apostrophe
    "model_error": gettext_lazy("The AI was wrong"),
    "reviewer_error": gettext_lazy("A reviewer was wrong"),
}
_SOMETHING_ELSE = gettext_lazy("Something else")
# Why a reviewer gives no answer: one key each on the desk, and counted in reports.
PASS_REASONS: dict[str, Promise] = {
    "not_my_field": gettext_lazy("Not my field"),
    "conflict": gettext_lazy("I know the person or the case"),
    "need_a_break": gettext_lazy("I need a break from this kind of item"),
    "other": _SOMETHING_ELSE,
}
ESCALATE_REASONS: dict[str, Promise] = {
    "guideline_gap": gettext_lazy("The guidelines don’t cover it"),  # noqa: RUF001 - an apostrophe
    "not_sure": gettext_lazy("I’m not sure"),  # noqa: RUF001 - an apostrophe
    "special_knowledge": gettext_lazy("It needs special expertise"),
    "other": _SOMETHING_ELSE,
}
UNJUDGEABLE_REASONS: dict[str, Promise] = {
    "unreadable": gettext_lazy("Cut off or unreadable"),
    "missing_context": gettext_lazy("Context is missing"),
    "wrong_language": gettext_lazy("In the wrong language"),
    "wrong_stream": gettext_lazy("Belongs to another stream"),
    "other": _SOMETHING_ELSE,
}
# The reasons of each action, under the action names that reports use.
REASONS_BY_ACTION: dict[str, dict[str, Promise]] = {
    "pass": PASS_REASONS,
    "escalate": ESCALATE_REASONS,
    "unjudgeable": UNJUDGEABLE_REASONS,
}

MAX_SUMMARY_CHARACTERS = 80  # the longest summary of an item in a list

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def format_answer(value: Any) -> str:
    """An answer as text: `card_arrival` as `Card arrival`, a list with commas, an object as JSON; an empty list or
    object as "Nothing applies"."""
    if value in ([], {}):
        return describe_empty_answer()
    if isinstance(value, list):
        return ", ".join(format_answer(entry) for entry in value)
    return _humanize_name(value) if isinstance(value, str) else format_plain(value)


def describe_empty_answer() -> str:
    """The answer that none of the labels applies, or that there is nothing to fill in."""
    return _("Nothing applies")


def describe_none(answers_kind: str) -> str:
    """The verdict that no listed answer is right.

    Where several can be, "none of these" would sound like "nothing applies", which is an answer.
    """
    return _("something not listed") if answers_kind == schema.LABELS else _("none of these")


def describe_verdict(kind: str, value: Any = None, *, answers_kind: str) -> str:
    """A verdict in a word or two; `answers_kind` is that of the item's answers."""
    match kind:
        case "agree":
            return _("agreed")
        case "correct" | "answer" if value and isinstance(value, Mapping):
            return _("corrected")
        case "correct" | "answer":
            return format_answer(value)
        case "none":
            return describe_none(answers_kind)
        case "unjudgeable":
            return _("can’t be judged")  # noqa: RUF001 - an apostrophe
        case _:
            return _("asked the lead")


def summarize_item(words: str, *, image: bool, reference: str) -> str:
    """A short summary of an item: the beginning of its text, else "Image" and its reference, else the reference."""
    start = " ".join(words.split())
    if start:
        return start if len(start) <= MAX_SUMMARY_CHARACTERS else start[:MAX_SUMMARY_CHARACTERS].rstrip() + "…"
    return _("Image %(reference)s") % {"reference": reference} if image else reference


def describe_outcome(outcome: str, value: Any = None, *, answers_kind: str) -> str:
    """An item's outcome in a word or two; `answers_kind` is that of its answers."""
    match outcome:
        case "answered":
            return format_answer(value)
        case "rejected":
            return describe_none(answers_kind)
        case _:
            return _("can’t be judged")  # noqa: RUF001 - an apostrophe


def describe_reason(kind: str, code: str) -> str | Promise:
    """The text of a reason code; unknown codes, which the API accepts, are returned unchanged.

    With `kind` "mistake", the code is one of the stream's own error types and is returned unchanged, too.
    """
    if kind == "mistake":
        return code
    return {**FINAL_SAY_REASONS, **REASONS_BY_ACTION.get(kind, {})}.get(code, code)


def explain_review(reason: Mapping[str, Any] | None) -> str:
    """The sentence that explains why an item is in review; numbers from 0 to 1 are shown as percentages.

    Different ones read differently: a confidence just below its threshold does not look equal to it.

    Placeholders are replaced by name only: nothing in a message or a parameter is ever evaluated.
    """
    if not reason or not isinstance(reason.get("message"), str) or not reason["message"]:
        return ""
    params = reason.get("params") or {}
    shares = {param for param in params.values() if _is_share(param)}
    places = next((few for few in range(10) if len({round(share * 100, few) for share in shares}) == len(shares)), 10)
    return _PLACEHOLDER.sub(lambda found: _format_param(params.get(found[1]), places), _(reason["message"]))


def format_duration(seconds: float) -> str:
    """A duration, rounded down to its largest unit: `45 s`, `12 min`, `3 h`, `2 d`."""
    units = ((86_400, _("d")), (3_600, _("h")), (60, _("min")))
    size, unit = next(((size, unit) for size, unit in units if seconds >= size), (1, _("s")))
    return f"{locale_format.format_number(max(0, seconds // size), grouped=True)}\u00a0{unit}"


def format_deadline(seconds: float) -> str:
    """A deadline `seconds` from now; negative if it has passed."""
    if seconds < 0:
        return _("due %(span)s ago") % {"span": format_duration(-seconds)}
    return _("due in %(span)s") % {"span": format_duration(seconds)}


def format_share(value: Any) -> str:
    """A share from 0 to 1 as `62 %`, "unknown" if there is none. Only 1 itself is shown as 100 %."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return _("unknown")
    return _format_percent(value, 0)


def _format_percent(share: float, least: int) -> str:
    places = (
        least if share in {0, 1} or 0.01 <= share < 0.995 else locale_format.count_percent_places(share, least or 1)
    )
    return f"{locale_format.format_number(share * 100, places)}\u00a0%"


def _is_share(param: Any) -> bool:
    return isinstance(param, int | float) and not isinstance(param, bool) and 0 <= param <= 1


def _format_param(param: Any, places: int) -> str:
    return _format_percent(param, places) if _is_share(param) else format_plain(param)


def _humanize_name(name: str) -> str:
    """A snake_case name as words; anything else as it is."""
    if not (name.isascii() and re.fullmatch(r"[a-z0-9]+(?:_[a-z0-9]+)*", name)):
        return name
    return (name[0].upper() + name[1:]).replace("_", " ")
