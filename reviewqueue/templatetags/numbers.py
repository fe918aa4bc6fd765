"""Number filters in the reader's locale."""

from __future__ import annotations

from django import template

from reviewqueue.kernel import locale_format

register = template.Library()


@register.simple_tag
def thousands_separator() -> str:
    """The thousands separator of the reader's locale, for the page's scripts."""
    return locale_format.get_thousands_separator()


@register.filter
def grouped(value: int) -> str:
    """A whole number with thousands separators."""
    return locale_format.format_number(value, grouped=True)


@register.filter
def byte_size(count: int) -> str:
    """A number of bytes in its largest fitting unit."""
    return locale_format.format_size(count)
