"""Single values as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _


def pretty(value: Any) -> str:
    """JSON as a person reads it, in its own key order."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def facts(value: Any) -> list[tuple[str, str]]:
    """A mapping as pairs to list; anything else under one unnamed pair. Nothing for nothing."""
    if isinstance(value, Mapping):
        return [(str(key), plain(entry)) for key, entry in value.items()]
    return [] if value in (None, "", []) else [("", plain(value))]


def plain(value: Any) -> str:
    """One value as text: a string as it is, a number or a flag in words, anything deeper as JSON."""
    match value:
        case None:
            return "—"
        case bool():
            return _("yes") if value else _("no")
        case str():
            return value
        case list() if all(isinstance(entry, str | int | float) for entry in value):
            return ", ".join(plain(entry) for entry in value)
        case _:
            return pretty(value)
