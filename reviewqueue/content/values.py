"""Single values of forms and tables: numbers apart, empty ones said in words, long ones cut until they are opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext as _

from reviewqueue.content.plain import format_plain


@dataclass(frozen=True, slots=True)
class DisplayValue:
    """`start` is what stands there of a long text while it is closed."""

    kind: Literal["text", "number", "empty", "long"]
    text: str
    preview: str = ""


def build_display_value(value: Any, *, longest: int) -> DisplayValue:
    """A value as it is shown; a text of more than `longest` characters, or of many lines, is `long`."""
    match value:
        case None:
            return DisplayValue("empty", format_plain(value))
        case "" | [] | {}:
            return DisplayValue("empty", _("empty"))
        case str() if value.isspace():
            return DisplayValue("empty", _("blanks only"))
        case int() | float() if not isinstance(value, bool):
            return DisplayValue("number", format_plain(value))
        case _:
            text = format_plain(value)
            return (
                DisplayValue("text", text)
                if _is_short(text, longest)
                else DisplayValue("long", text, _shorten(text, longest))
            )


def _is_short(text: str, longest: int) -> bool:
    return len(text) <= longest and text.count("\n") * 40 <= longest


def _shorten(text: str, longest: int) -> str:
    """The beginning on one line, cut between words where there are any."""
    line = " ".join(text[: longest * 2].split())[: longest - 1]
    return f"{line[: line.rfind(' ')] if ' ' in line[longest // 2 :] else line} …"
