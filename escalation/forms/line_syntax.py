"""Parsing and formatting lists written as text, one entry per line; errors name their line. Pure.

`2026-11-01` · `rows: table`. What is formatted parses back to the same values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping

from django.utils.translation import gettext as _

from escalation.forms import text_values
from escalation.forms.text_values import InvalidText


def parse_entries(text: str) -> list[str]:
    """One entry per line. A line that is a text in double quotes stands for that text."""
    return [entry for _number, entry in _parse_lines(text, _parse_entry)]


def format_entries(found: Iterable[str]) -> str:
    return "\n".join(_format_entry(entry) for entry in found)


def parse_pairs(text: str) -> dict[str, str]:
    """`name: word`; a name that is listed twice is an error, because one of its words would be lost."""
    found: dict[str, str] = {}
    for number, (name, word) in _parse_lines(text, _parse_pair):
        if name in found:
            raise _name_line(number, _("“%(name)s” is listed twice.") % {"name": name})
        found[name] = word
    return found


def format_pairs(found: Mapping[str, str]) -> str:
    return "\n".join(
        f"{text_values.format_text(name)}: {text_values.format_text(word)}" for name, word in found.items()
    )


def _parse_lines[T](text: str, read: Callable[[str], T]) -> Iterator[tuple[int, T]]:
    """The lines that are not blank, with their numbers."""
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        if line.strip():
            try:
                yield number, read(line.strip())
            except InvalidText as error:
                raise _name_line(number, str(error)) from error


def _name_line(number: int, error: str) -> InvalidText:
    return InvalidText(_("Line %(number)s: %(error)s") % {"number": number, "error": error})


def _parse_entry(line: str) -> str:
    # An ordinary entry may begin with a quotation mark.
    return text_values.decode_quoted(line) if _is_quoted(line) else line


def _format_entry(entry: str) -> str:
    ambiguous = not entry or entry != entry.strip() or entry.startswith('"') or "\n" in entry or "\r" in entry
    return json.dumps(entry, ensure_ascii=False) if ambiguous else entry


def _parse_pair(line: str) -> tuple[str, str]:
    parts = text_values.split_outside_quotes(line, ":")
    if len(parts) != 2 or not parts[1]:
        raise InvalidText(_("write “part: display”, for example “rows: table”."))
    name, word = parts
    return text_values.parse_text(name), text_values.parse_text(word)


def _is_quoted(text: str) -> bool:
    try:
        return isinstance(json.loads(text), str)
    except ValueError:
        return False
