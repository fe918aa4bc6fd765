"""Filters for untrusted text: they escape it and make hidden characters visible."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from reviewqueue.content import extent, invisible, language
from reviewqueue.content.text import split_paragraphs
from reviewqueue.guidelines.markdown import render_guidelines
from reviewqueue.verdicts import wording

register = template.Library()


@register.filter
def visible(value: Any) -> SafeString:
    """The escaped text, with hidden characters shown as marked codes and look-alike words marked."""
    shown = str(value)
    if invisible.is_plain(shown):  # the usual case; a page uses this filter dozens of times
        return escape(shown)
    return mark_safe("".join(map(_render_piece, invisible.split_into_pieces(shown))))  # noqa: S308 - each piece is escaped


@register.filter
def paragraphs(value: str) -> list[str]:
    """A text's paragraphs, each to be shown in its own direction."""
    return split_paragraphs(value)


@register.filter
def is_long(value: str) -> bool:
    """Whether a text is long enough for the long-text layout."""
    return extent.is_long(value)


@register.filter
def language_tag(value: Any) -> str:
    """The value of a `lang` attribute, "" if the language is unknown or invalid."""
    return language.parse_language_tag(value)


@register.filter
def answer(value: Any) -> SafeString:
    """An answer as text, escaped."""
    return visible(wording.format_answer(value))


@register.filter
def percent(share: Any) -> str:
    """A share from 0 to 1 as `62 %`, "unknown" if there is none."""
    return wording.format_share(share)


@register.filter
def short_duration(seconds: float) -> str:
    """A duration as `12 s`, rounded down to its largest unit."""
    return wording.format_duration(seconds)


@register.filter
def markdown(value: str) -> SafeString:
    """Guidelines as HTML without active content."""
    return render_guidelines(value)


def _render_piece(piece: invisible.TextPiece) -> str:
    """Built by hand: a text may have 100,000 pieces, and `format_html` takes ten times as long."""
    text = escape(piece.text)
    if piece.hidden:
        return f'<span class="hidden-char" dir="ltr" title="{escape(piece.title)}">{text}</span>'
    if piece.lookalike:
        spoken = f'<span class="visually-hidden"> ({escape(_("look-alike letters"))})</span>'
        return f'<span class="confusable" title="{escape(piece.title)}">{text}{spoken}</span>'
    return text
