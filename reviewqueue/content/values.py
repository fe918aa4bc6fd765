"""Single values in forms and tables: numbers, empty values in words, and long texts with a preview."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext as _

from reviewqueue.content.plain import format_plain


@dataclass(frozen=True, slots=True)
class DisplayValue:
    """`preview` is shown of a long text while it is collapsed."""

    kind: Literal["text", "number", "empty", "long"]
    text: str
    preview: str = ""


def build_display_value(value: Any, *, longest: int) -> DisplayValue:
    """A value for display; a text of more than `longest` characters, or of many lines, is `long`."""
    match value:
        case None:
            return DisplayValue("empty", format_plain(value))
        case "" | [] | {}:
            return DisplayValue("empty", _("empty"))
        case str() if value.isspace():
            return DisplayValue("empty", _("only whitespace"))
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
    """The beginning of a text on one line, cut between words if possible."""
    line = " ".join(text[: longest * 2].split())[: longest - 1]
    return f"{line[: line.rfind(' ')] if ' ' in line[longest // 2 :] else line} …"
