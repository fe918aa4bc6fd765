"""Filters for shortcuts: the attribute that binds a key to a control, and its printed cap; empty if it is off."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()
KEY_CAPS = {"enter": "↵"}


# A page prints two dozen keys, always the same few.
@register.filter
@lru_cache(maxsize=512)
def data_key(key: str) -> SafeString:
    """The attribute by which shortcuts.js finds the control for a key."""
    return format_html(' data-key="{}"', key) if key else SafeString("")


@register.filter
@lru_cache(maxsize=512)
def kbd(key: str) -> SafeString:
    """The first key as a `<kbd>` element."""
    return format_html(" <kbd>{}</kbd>", key_cap(key)) if key else SafeString("")


@register.filter
def key_cap(key: str) -> str:
    """The first key as printed: a capital, unless that is more than one character."""
    first = key.split(" ", maxsplit=1)[0]
    if first in KEY_CAPS:
        return KEY_CAPS[first]
    return first.upper() if len(first) == len(first.upper()) else first
