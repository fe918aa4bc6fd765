"""Numbers as the reader writes them."""

from __future__ import annotations

from django import template

from reviewqueue.kernel import locale_format

register = template.Library()


@register.simple_tag
def thousands_separator() -> str:
    """What stands between the groups of this page's numbers, for its scripts."""
    return locale_format.get_thousands_separator()


@register.filter
def grouped(value: int) -> str:
    """A number of things, its thousands by themselves."""
    return locale_format.format_number(value, grouped=True)


@register.filter
def byte_size(count: int) -> str:
    """A number of bytes in its largest unit."""
    return locale_format.format_size(count)
