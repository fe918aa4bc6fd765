"""Regular expressions of JSON schemas, matched in time linear in the text. Pure.

A backtracking engine takes exponential time for some patterns and texts; RE2 has no such pattern. What it does not
support, look-around and back-references, is refused when a schema is made.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2

MAX_PATTERN_CHARACTERS = 1_000
# RE2 writes a character code differently from JSON schema's dialect.
_CHARACTER_CODE = re.compile(r"(?<!\\)((?:\\\\)*)\\u([0-9a-fA-F]{4})")
_LOOK_AROUND = re.compile(r"\(\?<?[=!]")
_BACK_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\\(?:[1-9]|k<)")


class UnsupportedPattern(Exception):
    """`pattern` cannot be used; `reason` says why: look-around, back-reference, or RE2's own words."""

    def __init__(self, pattern: str, reason: str) -> None:
        super().__init__(f"{pattern}: {reason}")
        self.pattern, self.reason = pattern, reason


class Pattern:
    """A compiled pattern. `size` is proportional to the time it takes per character in the worst case."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self.size: int = compiled.programsize

    def is_found_in(self, text: str) -> bool:
        return self._compiled.search(text) is not None


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> Pattern:
    """Raises UnsupportedPattern."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise UnsupportedPattern(pattern[:60] + "…", f"longer than {MAX_PATTERN_CHARACTERS} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        return Pattern(re2.compile(_CHARACTER_CODE.sub(r"\1\\x{\2}", pattern), options))
    except (re2.error, UnicodeEncodeError) as error:
        raise UnsupportedPattern(pattern, _describe(pattern, error)) from error


def _describe(pattern: str, error: Exception) -> str:
    if _LOOK_AROUND.search(pattern):
        return "look-around such as (?=…) is not supported"
    if _BACK_REFERENCE.search(pattern):
        return "back-references such as \\1 are not supported"
    text = error.args[0] if error.args else ""
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)
