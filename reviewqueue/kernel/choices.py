"""Name the allowed choices in an error message, and guess which one was meant. Pure."""

from __future__ import annotations

import difflib
import json
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reviewqueue.kernel import sent_json

MAX_LISTED_CHOICES = 12
MAX_QUOTED_CHARACTERS = 60
MIN_SIMILARITY = 0.6
# Comparing takes microseconds each, and a batch has 1,000 outputs.
MAX_COMPARED_CHOICES = 200
MAX_COMPARED_CHARACTERS = 60


def list_choices(choices: Iterable[str]) -> str:
    """The choices as code, with commas; after the first dozen, how many more there are."""
    named = list(choices)
    listed = ", ".join(f"`{shorten_text(name)}`" for name in named[:MAX_LISTED_CHOICES])
    more = len(named) - MAX_LISTED_CHOICES
    return _("%(listed)s and %(more)s more") % {"listed": listed, "more": more} if more > 0 else listed


def guess_choice(written: object, choices: Iterable[str]) -> str | None:
    """The choice that somebody who wrote this probably meant, ignoring case, blanks, hyphens and Unicode form.

    None if nothing is close. Long names, and all but the first of many, are found only if they are otherwise the same.
    """
    return _find_closest(written, tuple(choices)) if isinstance(written, str) else None


@lru_cache(maxsize=1024)  # a producer's mistake is usually the same in every output of a batch
def _find_closest(written: str, choices: tuple[str, ...]) -> str | None:
    folded: dict[str, str] = {}
    for name in choices:
        folded.setdefault(_fold_name(name), name)
    wanted = _fold_name(written)
    if (same := folded.get(wanted)) is not None or len(written) > MAX_COMPARED_CHARACTERS:
        return same
    compared = [name for name in folded if len(name) <= MAX_COMPARED_CHARACTERS][:MAX_COMPARED_CHOICES]
    close = difflib.get_close_matches(wanted, compared, n=1, cutoff=MIN_SIMILARITY)
    return folded[close[0]] if close else None


def describe_value(value: Any) -> str:
    """A JSON value in a few words, for "got ...": the value itself if it is short, otherwise its kind and size."""
    if isinstance(value, str):
        if len(value) > MAX_QUOTED_CHARACTERS:
            return _("a text of %(count)s characters") % {"count": len(value)}
        return _("the text %(text)s") % {"text": json.dumps(value, ensure_ascii=False)}
    if isinstance(value, dict):
        return ngettext("an object of %(count)s entry", "an object of %(count)s entries", len(value)) % {
            "count": len(value)
        }
    if isinstance(value, list):
        return ngettext("a list of %(count)s entry", "a list of %(count)s entries", len(value)) % {"count": len(value)}
    text = sent_json.encode_sent(value)
    return text if len(text) <= MAX_QUOTED_CHARACTERS else _("a number with many digits")


def describe_mismatch(value: Any, choices: Sequence[str]) -> str:
    """The end of a sentence about a wrong choice: what was sent, and what was probably meant."""
    got, meant = describe_value(value), guess_choice(value, choices)
    if meant is None:
        return _("got %(value)s") % {"value": got}
    return _("got %(value)s; did you mean `%(meant)s`?") % {"value": got, "meant": shorten_text(meant)}


def shorten_text(text: str) -> str:
    return text if len(text) <= MAX_QUOTED_CHARACTERS else text[:MAX_QUOTED_CHARACTERS] + "…"


def _fold_name(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold().strip()
    return folded.replace("-", "_").replace(" ", "_")
