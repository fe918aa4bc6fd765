"""How many pieces of one item are drawn: a page has an end, what strangers send need not.

A piece is an entry, a cell, a field, a place, a picture or a part of a message. What finds no room is shown as data or
text.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

MAX_PIECES_PER_ITEM = 6_000


@dataclass(slots=True)
class _PieceBudget:
    left: int


_budget: ContextVar[_PieceBudget | None] = ContextVar("room", default=None)


@contextmanager
def limit_item_pieces() -> Iterator[None]:
    """All that is read within it shares one room; an input within an input shares that of the outer one."""
    if _budget.get() is not None:
        yield
        return
    token = _budget.set(_PieceBudget(MAX_PIECES_PER_ITEM))
    try:
        yield
    finally:
        _budget.reset(token)


def take_pieces(wanted: int) -> int:
    """Takes room for as many of these pieces as there is room for; for all of them outside an item."""
    room = _budget.get()
    if room is None:
        return wanted
    granted = min(wanted, room.left)
    room.left -= granted
    return granted


def take_all_pieces(wanted: int) -> bool:
    """Takes room for these pieces if there is enough for every one of them."""
    room = _budget.get()
    if room is not None and wanted > room.left:
        return False
    take_pieces(wanted)
    return True
