"""Numbers as the reader writes them: the words of a page stay in its language, separators follow the reader's locale.

Only pages for people are served in a locale; whatever machines read has a dot and no groups.
"""

from __future__ import annotations

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
_locale = ContextVar("locale", default=DEFAULT_LOCALE)


def format_number(value: float, digits: int = 0, *, grouped: bool = False) -> str:
    """A number with so many digits after the separator; `grouped`: thousands by themselves."""
    lang = _locale.get()
    return numberformat.format(
        round(value, digits),  # Django would cut off what is too much
        get_format("DECIMAL_SEPARATOR", lang, use_l10n=True),
        digits,
        grouping=get_format("NUMBER_GROUPING", lang, use_l10n=True),
        thousand_sep=get_format("THOUSAND_SEPARATOR", lang, use_l10n=True),
        force_grouping=grouped,
    )


def format_size(count: int) -> str:
    """So many bytes, in the largest unit of which there is one."""
    for least, unit in ((1 << 20, _("MB")), (1 << 10, _("KB"))):
        if count >= least:
            return f"{format_number(count / least, 1)}\u00a0{unit}"
    return f"{format_number(count)}\u00a0{ngettext('byte', 'bytes', count)}"


@contextmanager
def use_locale(locale: str) -> Iterator[None]:
    """Within it, numbers are written as in this locale, which `accepted` found."""
    token = _locale.set(locale)
    try:
        yield
    finally:
        _locale.reset(token)


def get_thousands_separator() -> str:
    """What stands between the groups of a number here."""
    return str(get_format("THOUSAND_SEPARATOR", _locale.get(), use_l10n=True))


def negotiate_locale(header: str) -> str:
    """The first locale of an Accept-Language header whose numbers Django knows how to write; else English."""
    for wanted, _quality in parse_accept_lang_header(header[:500].lower()):
        for code in dict.fromkeys((wanted, wanted.split("-")[0])):
            if code in LANG_INFO:
                return code
    return DEFAULT_LOCALE
