"""Any JSON as a tree that folds: for what no other kind understands.

It is a flat list of tokens, which a template draws in one loop: documents are as deep and as long as strangers make
them. Past so many entries, and past so many levels, what is left stands as text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import ngettext

from reviewqueue.content import limits
from reviewqueue.content.plain import compact
from reviewqueue.kernel import locale_format

MOST = 2000  # entries drawn one by one
DEEPEST = 24
OPEN_LEVELS = 2  # below the entries of the document itself, which are always in sight
LONG = 20  # entries; what holds more is folded at first

type Kind = Literal["string", "number", "word", "text"]


@dataclass(frozen=True)
class Token:
    """An entry with its value, or where a nested one begins (`size` says how much it holds) or ends."""

    name: str = ""
    text: str = ""
    kind: Kind = "word"
    size: str = ""
    is_open: bool = False
    closes: bool = False


@dataclass(frozen=True)
class Tree:
    tokens: Sequence[Token]
    folds: int


_END = Token(closes=True)


def read(value: Any) -> Tree:
    tokens = list(_tokens(value)) if _is_nested(value) else [_leaf("", value)]
    return Tree(tokens, sum(1 for token in tokens if token.size))


def _tokens(value: Any) -> Iterator[Token]:
    """The entries in their order; the way down is a stack, because recursion has an end and data need not."""
    stack, left = [_entries(value)], MOST
    while stack:
        entry = next(stack[-1], None)
        if entry is None:
            stack.pop()
            if stack:
                yield _END
            continue
        left -= 1
        if left < 0 or not limits.all_of(1):
            yield Token("…", compact(dict([entry, *stack[-1]])), "text")
        elif _is_nested(entry[1]) and len(stack) < DEEPEST:
            yield _opening(*entry, level=len(stack))
            stack.append(_entries(entry[1]))
        else:
            yield _leaf(*entry)


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return ((str(name), inner) for name, inner in value.items())
    return ((str(number), inner) for number, inner in enumerate(value, 1))


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping | list) and bool(value)


def _opening(name: str, value: Any, *, level: int) -> Token:
    count = len(value)
    if isinstance(value, Mapping):
        told = ngettext("%(count)s field", "%(count)s fields", count)
    else:
        told = ngettext("%(count)s entry", "%(count)s entries", count)
    size = told % {"count": locale_format.number(count, grouped=True)}
    return Token(_escaped(name), size=size, is_open=level <= OPEN_LEVELS and count <= LONG)


def _leaf(name: str, value: Any) -> Token:
    return Token(_escaped(name), compact(value), _kind(value))


def _kind(value: Any) -> Kind:
    match value:
        case str():
            return "string"
        case bool() | None:
            return "word"
        case int() | float():
            return "number"
        case _:
            return "text"


def _escaped(name: str) -> str:
    return compact(name)[1:-1]
