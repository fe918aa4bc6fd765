"""The known name that somebody probably meant, for "did you mean" in error messages. Pure."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable

MIN_SIMILARITY = 0.6
MAX_COMPARED_NAMES = 1000


def find_similar_name(name: str, known: Iterable[str]) -> str | None:
    """The known name most like this one, ignoring case, edge blanks and Unicode form; None if none is like it."""
    folded: dict[str, str] = {}
    for one in list(known)[:MAX_COMPARED_NAMES]:
        folded.setdefault(_fold(one), one)
    found = difflib.get_close_matches(_fold(name), folded, n=1, cutoff=MIN_SIMILARITY)
    return folded[found[0]] if found else None


def _fold(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()
