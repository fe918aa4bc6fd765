"""Filters for keys: what presses a control, and the key as it is printed on it; nothing where it is switched off."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()
KEY_CAPS = {"enter": "↵"}


# A page prints two dozen keys, and they are always the same few.
@register.filter
@lru_cache(maxsize=512)
def data_key(key: str) -> SafeString:
    """The attribute by which keys.js finds what a key presses."""
    return format_html(' data-key="{}"', key) if key else SafeString("")


@register.filter
@lru_cache(maxsize=512)
def kbd(key: str) -> SafeString:
    """The key's cap; of several the first."""
    return format_html(" <kbd>{}</kbd>", key_cap(key)) if key else SafeString("")


@register.filter
def key_cap(key: str) -> str:
    """What stands on a key: capitals, where a letter has one that is a single letter."""
    first = key.split(" ", maxsplit=1)[0]
    if first in KEY_CAPS:
        return KEY_CAPS[first]
    return first.upper() if len(first) == len(first.upper()) else first
