"""JSON Pointers (RFC 6901) to where an error is in a document. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_MSGSPEC_PATH = re.compile(r"`\$([^`]*)`")
_MSGSPEC_FIELD = re.compile(r"Object (missing required|contains unknown) field `(.*)`", re.DOTALL)


def format_pointer(path: Iterable[Any]) -> str:
    """The JSON Pointer for a path of member names and array indexes."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def split_pointer(pointer: str) -> tuple[str, ...]:
    """The unescaped steps of a pointer."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def split_validation_message(message: str) -> tuple[str, str]:
    """Split a msgspec error message into its sentence and a pointer; a missing or unknown field has its own pointer.

    Where msgspec doesn't name the key, the pointer is to the object that contains it.
    """
    sentence, _, location = message.partition(" - at ")
    found = _MSGSPEC_PATH.search(location)
    path = found[1].partition("[...]")[0] if found else ""
    pointer = path.replace(".", "/").replace("[", "/").replace("]", "")
    if named := _MSGSPEC_FIELD.fullmatch(sentence):
        missing = named[1].startswith("missing")
        name = named[2]
        sentence = f"`{name}` is required" if missing else f"unknown field `{name}`"
        pointer += format_pointer([name])
    return sentence, pointer
