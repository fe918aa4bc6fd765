"""Plain text, and an address, which is text as well: nobody's browser goes there."""

from __future__ import annotations

from typing import Any


def read(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
