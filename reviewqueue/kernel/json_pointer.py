"""JSON Pointers (RFC 6901) to the places in a document that an error names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_MSGSPEC_PATH = re.compile(r"`\$([^`]*)`")


def format_pointer(path: Iterable[Any]) -> str:
    """The JSON Pointer of a path of members and places."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def split_validation_message(message: str) -> tuple[str, str]:
    """A message of msgspec's as its sentence and a pointer; where it doesn't name the key, to what holds the key."""
    sentence, _, place = message.partition(" - at ")
    found = _MSGSPEC_PATH.search(place)
    named = found[1].partition("[...]")[0] if found else ""
    return sentence, named.replace(".", "/").replace("[", "/").replace("]", "")
