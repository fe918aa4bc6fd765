"""Format numbers for the reader's locale. Only separators follow the locale; the page's language stays the same.

This applies to pages for people. Machine-readable output always uses a decimal point and no grouping.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf.locale import LANG_INFO
from django.utils import numberformat
from django.utils.formats import get_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.utils.translation.trans_real import parse_accept_lang_header

DEFAULT_LOCALE = "en"
MAX_PLACES = 12
_locale = ContextVar("locale", default=DEFAULT_LOCALE)


def format_number(value: float, digits: int = 0, *, grouped: bool = False) -> str:
    """Format a number with `digits` decimals; `grouped` separates thousands."""
    lang = _locale.get()
    return numberformat.format(
        round(value, digits),  # Django truncates extra digits instead of rounding
        get_format("DECIMAL_SEPARATOR", lang, use_l10n=True),
        digits,
        grouping=get_format("NUMBER_GROUPING", lang, use_l10n=True),
        thousand_sep=get_format("THOUSAND_SEPARATOR", lang, use_l10n=True),
        force_grouping=grouped,
    )


def count_percent_places(share: float, least: int = 0) -> int:
    """How many decimals of a percentage tell a share from 0 and from 1, at least `least`; at most twelve."""
    distance = min(share, 1 - share)
    return least if distance <= 0 else min(max(least, math.ceil(-math.log10(distance * 100) - 1e-9)), MAX_PLACES)


def format_size(count: int) -> str:
    """Format a number of bytes in the largest of MB, KB and bytes that gives at least 1."""
    for unit_bytes, unit in ((1 << 20, _("MB")), (1 << 10, _("KB"))):
        if count >= unit_bytes:
            return f"{format_number(count / unit_bytes, 1)}\u00a0{unit}"
    return f"{format_number(count)}\u00a0{ngettext('byte', 'bytes', count)}"


@contextmanager
def use_locale(locale: str) -> Iterator[None]:
    """Format numbers for this locale (a result of `negotiate_locale`) inside the block."""
    token = _locale.set(locale)
    try:
        yield
    finally:
        _locale.reset(token)


def get_thousands_separator() -> str:
    """The current locale's thousands separator."""
    return str(get_format("THOUSAND_SEPARATOR", _locale.get(), use_l10n=True))


def negotiate_locale(header: str) -> str:
    """The first locale of an Accept-Language header that Django has number formats for, otherwise English."""
    for wanted, _quality in parse_accept_lang_header(header[:500].lower()):
        for code in dict.fromkeys((wanted, wanted.split("-")[0])):
            if code in LANG_INFO:
                return code
    return DEFAULT_LOCALE
