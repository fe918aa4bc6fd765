"""Limits the number of pieces that a page shows of one item.

A piece is an entry, a cell, a field, a marked place, an image or a part of a message. Pieces over the limit are shown
as data or text.
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


_budget: ContextVar[_PieceBudget | None] = ContextVar("budget", default=None)


@contextmanager
def limit_item_pieces() -> Iterator[None]:
    """All parsing inside shares one budget; a nested input shares that of the outer one."""
    if _budget.get() is not None:
        yield
        return
    token = _budget.set(_PieceBudget(MAX_PIECES_PER_ITEM))
    try:
        yield
    finally:
        _budget.reset(token)


def take_pieces(wanted: int) -> int:
    """Take up to `wanted` pieces from the budget and return how many; all of them if there is no budget."""
    budget = _budget.get()
    if budget is None:
        return wanted
    granted = min(wanted, budget.left)
    budget.left -= granted
    return granted


def take_all_pieces(wanted: int) -> bool:
    """Take `wanted` pieces if the budget has enough for all of them; else take none and return False."""
    budget = _budget.get()
    if budget is not None and wanted > budget.left:
        return False
    take_pieces(wanted)
    return True
