"""Plain text, and an address, which is text as well: nobody's browser goes there."""

from __future__ import annotations

import re
from typing import Any

MAX_PARAGRAPHS = 2_000  # paragraphs; what follows them is one

# Only the line breaks that end a paragraph go; any further ones stay, as the space somebody meant or hid behind.
_PARAGRAPH_BREAK = re.compile(r"(?<![\r\n])\r?\n[ \t]*\r?\n")


def parse_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def split_paragraphs(text: str) -> list[str]:
    """The text cut where a line is empty: each part has a direction of its own."""
    return _PARAGRAPH_BREAK.split(text, maxsplit=MAX_PARAGRAPHS - 1)
