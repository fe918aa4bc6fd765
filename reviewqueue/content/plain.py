"""Single values as text, with the digits of numbers as they were sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reviewqueue.kernel import locale_format
from reviewqueue.kernel.sent_json import encode_sent, indent_sent

MAX_INDENTED_LEVELS = 64
MAX_FACTS = 200  # pairs listed one by one


def format_json(value: Any) -> str:
    """Indented JSON in its own key order; on one line if it is nested more than MAX_INDENTED_LEVELS deep."""
    return format_compact_json(value) if _is_deep(value) else indent_sent(value, indent=2)


def format_compact_json(value: Any) -> str:
    """JSON on one line, at any depth."""
    try:
        return indent_sent(value, indent=0)
    except RecursionError:
        return "".join(_serialize(value))


def _is_deep(value: Any) -> bool:
    """Whether indentation would dominate the text: it grows with the square of the depth."""
    level = [value]
    for _level in range(MAX_INDENTED_LEVELS):
        level = [inner for outer in level for inner in _children(outer) if isinstance(inner, Mapping | list)]
        if not level:
            return False
    return True


def _children(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()


def _serialize(value: Any) -> Iterator[str]:
    """Serialize without recursion: the stack holds (True, JSON text) and (False, value) entries."""
    stack: list[tuple[bool, Any]] = [(False, value)]
    while stack:
        is_text, top = stack.pop()
        if is_text:
            yield top
        elif isinstance(top, Mapping):
            parts = ([(True, encode_sent(str(name)) + ": "), (False, top[name])] for name in top)
            stack.extend(reversed(_enclose("{", parts, "}")))
        elif isinstance(top, list):
            stack.extend(reversed(_enclose("[", ([(False, entry)] for entry in top), "]")))
        else:
            yield encode_sent(top)


def _enclose(opening: str, parts: Iterable[list[tuple[bool, Any]]], closing: str) -> list[tuple[bool, Any]]:
    between = [step for part in parts for step in ((True, ", "), *part)]
    return [(True, opening), *between[1:], (True, closing)]


def list_facts(value: Any) -> list[tuple[str, str]]:
    """A mapping as (name, text) pairs; another value as one unnamed pair; no pair for an empty value."""
    if isinstance(value, Mapping):
        pairs = list(value.items())
        listed, rest = pairs[:MAX_FACTS], dict(pairs[MAX_FACTS:])
        return [*((str(key), format_plain(entry)) for key, entry in listed), *_rest_fact(rest)]
    return [] if value in (None, "", []) else [("", format_plain(value))]


def _rest_fact(rest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if rest:
        yield (
            ngettext("%(count)s more", "%(count)s more", len(rest))
            % {"count": locale_format.format_number(len(rest), grouped=True)},
            format_compact_json(rest),
        )


def format_plain(value: Any) -> str:
    """One value as text: strings unchanged, flags as yes or no, lists of words with commas, other values as JSON."""
    match value:
        case None:
            return "—"
        case bool():
            return _("yes") if value else _("no")
        case str():
            return value
        case list() if all(_is_list_word(entry) for entry in value):
            return ", ".join(format_plain(entry) for entry in value)
        case _:
            return format_json(value)


def _is_list_word(entry: Any) -> bool:
    """Whether an entry can stand between commas without anybody taking it for two, or for none."""
    if isinstance(entry, str):
        return bool(entry) and entry == entry.strip() and not any(mark in entry for mark in ",;\n\r")
    return isinstance(entry, int | float)
