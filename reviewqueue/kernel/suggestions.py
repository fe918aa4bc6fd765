"""The known name that somebody probably meant, for "did you mean" in error messages. Pure."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable

MIN_SIMILARITY = 0.6
# A request may have a thousand errors, and comparing texts takes time.
MAX_COMPARED_NAMES = 200
MAX_COMPARED_CHARACTERS = 60


def find_similar_name(name: str, known: Iterable[str]) -> str | None:
    """The known name most like this one, ignoring case, edge blanks and Unicode form; None if none is like it.

    Long names, and all but the first of many, are only found if they are the same but for that.
    """
    folded: dict[str, str] = {}
    for one in known:
        folded.setdefault(_fold(one), one)
    if (same := folded.get(_fold(name))) is not None or len(name) > MAX_COMPARED_CHARACTERS:
        return same
    compared = [one for one in folded if len(one) <= MAX_COMPARED_CHARACTERS][:MAX_COMPARED_NAMES]
    found = difflib.get_close_matches(_fold(name), compared, n=1, cutoff=MIN_SIMILARITY)
    return folded[found[0]] if found else None


def _fold(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()
