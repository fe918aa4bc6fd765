"""Where in what was sent something makes no sense: msgspec's places as JSON Pointers. Pure."""

from __future__ import annotations

import re

_PATH = re.compile(r"`\$([^`]*)`")


def split(message: str) -> tuple[str, str]:
    """A message of msgspec's as its sentence and a pointer; where it doesn't name the key, to what holds the key."""
    sentence, _, place = message.partition(" - at ")
    found = _PATH.search(place)
    named = found[1].partition("[...]")[0] if found else ""
    return sentence, named.replace(".", "/").replace("[", "/").replace("]", "")
