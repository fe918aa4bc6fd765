"""Single values of forms and tables: numbers apart, empty ones said in words, long ones cut until they are opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext as _

from reviewqueue.content.plain import plain


@dataclass(frozen=True, slots=True)
class Value:
    """`start` is what stands there of a long text while it is closed."""

    kind: Literal["text", "number", "empty", "long"]
    text: str
    start: str = ""


def shown(value: Any, *, longest: int) -> Value:
    """A value as it is shown; a text of more than `longest` characters, or of many lines, is `long`."""
    match value:
        case None:
            return Value("empty", plain(value))
        case "" | [] | {}:
            return Value("empty", _("empty"))
        case str() if value.isspace():
            return Value("empty", _("blanks only"))
        case int() | float() if not isinstance(value, bool):
            return Value("number", plain(value))
        case _:
            text = plain(value)
            return Value("text", text) if _fits(text, longest) else Value("long", text, _start(text, longest))


def _fits(text: str, longest: int) -> bool:
    return len(text) <= longest and text.count("\n") * 40 <= longest


def _start(text: str, longest: int) -> str:
    """The beginning on one line, cut between words where there are any."""
    line = " ".join(text[: longest * 2].split())[: longest - 1]
    return f"{line[: line.rfind(' ')] if ' ' in line[longest // 2 :] else line} …"
