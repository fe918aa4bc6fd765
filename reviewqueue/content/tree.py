"""Any JSON as a collapsible tree, for values that no other kind accepts.

The tree is a flat list of tokens, which a template renders in one loop, because documents can be arbitrarily deep and
long. Beyond the limits on entries and levels, the remainder is text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import ngettext

from reviewqueue.content import limits
from reviewqueue.content.plain import format_compact_json
from reviewqueue.kernel import locale_format

MAX_ENTRIES = 2000  # entries shown one by one
MAX_LEVELS = 24
OPEN_LEVELS = 2  # levels open at first, below the entries of the document itself
FOLD_ABOVE_ENTRIES = 20  # a value with more entries is folded at first

type TokenKind = Literal["string", "number", "word", "text"]


@dataclass(frozen=True)
class TreeToken:
    """An entry with its value, or the start (`size` describes its length) or end of a nested one."""

    name: str = ""
    text: str = ""
    kind: TokenKind = "word"
    size: str = ""
    is_open: bool = False
    closes: bool = False


@dataclass(frozen=True)
class JsonTree:
    tokens: Sequence[TreeToken]
    folds: int


_CLOSING_TOKEN = TreeToken(closes=True)


def parse_tree(value: Any, *, is_open: bool = False) -> JsonTree:
    """The tokens of a value; `is_open`: with every level open at first."""
    tokens = list(_build_tokens(value, is_open=is_open)) if _is_nested(value) else [_leaf_token("", value)]
    return JsonTree(tokens, sum(1 for token in tokens if token.size))


def _build_tokens(value: Any, *, is_open: bool) -> Iterator[TreeToken]:
    """The entries in order. Uses a stack, because data can be deeper than recursion allows."""
    stack, left = [_entries(value)], MAX_ENTRIES
    while stack:
        entry = next(stack[-1], None)
        if entry is None:
            stack.pop()
            if stack:
                yield _CLOSING_TOKEN
            continue
        left -= 1
        if left < 0 or not limits.take_all_pieces(1):
            yield TreeToken("…", format_compact_json(dict([entry, *stack[-1]])), "text")
        elif _is_nested(entry[1]) and len(stack) < MAX_LEVELS:
            yield _opening_token(*entry, level=0 if is_open else len(stack))
            stack.append(_entries(entry[1]))
        else:
            yield _leaf_token(*entry)


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return ((str(name), inner) for name, inner in value.items())
    return ((str(number), inner) for number, inner in enumerate(value, 1))


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping | list) and bool(value)


def _opening_token(name: str, value: Any, *, level: int) -> TreeToken:
    """The start of a nested value; it is open at first unless it is deep (`level`) or long. Level 0 is always open."""
    count = len(value)
    if isinstance(value, Mapping):
        template = ngettext("%(count)s field", "%(count)s fields", count)
    else:
        template = ngettext("%(count)s entry", "%(count)s entries", count)
    size = template % {"count": locale_format.format_number(count, grouped=True)}
    return TreeToken(_escape_name(name), size=size, is_open=_is_open(level, count))


def _is_open(level: int, count: int) -> bool:
    return level == 0 or (level <= OPEN_LEVELS and count <= FOLD_ABOVE_ENTRIES)


def _leaf_token(name: str, value: Any) -> TreeToken:
    return TreeToken(_escape_name(name), format_compact_json(value), _kind_of(value))


def _kind_of(value: Any) -> TokenKind:
    match value:
        case str():
            return "string"
        case bool() | None:
            return "word"
        case int() | float():
            return "number"
        case _:
            return "text"


def _escape_name(name: str) -> str:
    return format_compact_json(name)[1:-1]
