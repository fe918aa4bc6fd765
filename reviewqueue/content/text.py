"""Plain text, and an address, which is text as well: nobody's browser goes there."""

from __future__ import annotations

import re
from typing import Any

MOST = 2_000  # paragraphs; what follows them is one

# Only the line breaks that end a paragraph go; any further ones stay, as the space somebody meant or hid behind.
_BREAK = re.compile(r"(?<![\r\n])\r?\n[ \t]*\r?\n")


def read(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def paragraphs(text: str) -> list[str]:
    """The text cut where a line is empty: each part has a direction of its own."""
    return _BREAK.split(text, maxsplit=MOST - 1)
