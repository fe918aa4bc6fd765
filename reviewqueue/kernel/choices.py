"""Name the allowed choices in an error message, and guess which one was meant. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

MAX_LISTED_CHOICES = 12
MAX_QUOTED_CHARACTERS = 60
_MAX_COMPARED_CHOICES = 1000


def list_choices(choices: Iterable[str]) -> str:
    """The choices as code, with commas; after the first dozen, how many more there are."""
    named = list(choices)
    listed = ", ".join(f"`{shorten_text(name)}`" for name in named[:MAX_LISTED_CHOICES])
    more = len(named) - MAX_LISTED_CHOICES
    return f"{listed} and {more} more" if more > 0 else listed


def guess_choice(written: object, choices: Iterable[str]) -> str | None:
    """The choice that somebody who wrote this probably meant; None if nothing is close."""
    if not isinstance(written, str) or len(written) > 2 * MAX_QUOTED_CHARACTERS:
        return None
    compared = {_simplify_name(name): name for name in islice(choices, _MAX_COMPARED_CHOICES)}
    close = difflib.get_close_matches(_simplify_name(written), compared, n=1, cutoff=0.7)
    return compared[close[0]] if close else None


def describe_value(value: Any) -> str:
    """A JSON value in a few words, for "got ...": the value itself if it is short, otherwise its kind and size."""
    if isinstance(value, str):
        if len(value) > MAX_QUOTED_CHARACTERS:
            return f"a text of {len(value):,} characters"
        return f"the text {json.dumps(value, ensure_ascii=False)}"
    if isinstance(value, dict | list):
        noun = "an object" if isinstance(value, dict) else "a list"
        return f"{noun} of {len(value):,} {'entry' if len(value) == 1 else 'entries'}"
    text = json.dumps(value)
    return text if len(text) <= MAX_QUOTED_CHARACTERS else "a number with many digits"


def describe_mismatch(value: Any, choices: Sequence[str]) -> str:
    """The end of a sentence about a wrong choice: what was sent, and what was probably meant."""
    meant = guess_choice(value, choices)
    return f"got {describe_value(value)}" + (f"; did you mean `{shorten_text(meant)}`?" if meant else "")


def shorten_text(text: str) -> str:
    return text if len(text) <= MAX_QUOTED_CHARACTERS else text[:MAX_QUOTED_CHARACTERS] + "…"


def _simplify_name(name: str) -> str:
    return name.casefold().strip().replace("-", "_").replace(" ", "_")
