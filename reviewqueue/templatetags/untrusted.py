"""Filters for text that strangers wrote: escaped, with hidden characters made visible."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from reviewqueue import guidelines, hidden, wording
from reviewqueue.content import language, text

register = template.Library()


@register.filter
def visible(value: Any) -> SafeString:
    """The text, escaped; each hidden character stands as a marked code that names itself."""
    shown = str(value)
    if hidden.is_plain(shown):  # nearly always, and a page asks dozens of times
        return escape(shown)
    return format_html_join("", "{}", ((_piece(piece),) for piece in hidden.pieces(shown)))


@register.filter
def paragraphs(value: str) -> list[str]:
    """A text's paragraphs, each to be shown in a direction of its own."""
    return text.paragraphs(value)


@register.filter
def language_tag(value: Any) -> str:
    """What `lang` may say of a text; "" where nothing is known."""
    return language.tag(value)


@register.filter
def answer(value: Any) -> SafeString:
    """An answer as people read it."""
    return visible(wording.answer(value))


@register.filter
def percent(share: Any) -> str:
    """A share between 0 and 1 as `62 %`, "unknown" without one."""
    return wording.share(share)


@register.filter
def markdown(value: str) -> SafeString:
    """Guidelines as inert HTML."""
    return guidelines.as_html(value)


def _piece(piece: hidden.Piece) -> SafeString:
    if not piece.hidden:
        return format_html("{}", piece.text)
    return format_html('<span class="hidden-char" dir="ltr" title="{}">{}</span>', piece.title, piece.text)
