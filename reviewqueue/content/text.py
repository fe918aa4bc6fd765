"""Plain text, and URLs, which are shown as text and never as links."""

from __future__ import annotations

import re
from typing import Any

MAX_PARAGRAPHS = 2_000  # the last paragraph holds all that follows

# Only the line breaks that end a paragraph are removed; further ones stay, as deliberate (or deceptive) space.
_PARAGRAPH_BREAK = re.compile(r"(?<![\r\n])\r?\n[ \t]*\r?\n")


def parse_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def split_paragraphs(text: str) -> list[str]:
    """The text split at empty lines: each paragraph has its own text direction."""
    return _PARAGRAPH_BREAK.split(text, maxsplit=MAX_PARAGRAPHS - 1)
