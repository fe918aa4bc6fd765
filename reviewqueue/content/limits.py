"""How many pieces of one item are drawn: a page has an end, what strangers send need not.

A piece is an entry, a cell, a field, a place, a picture or a part of a message. What finds no room is shown as data or
text.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

MOST = 6_000


@dataclass(slots=True)
class _Room:
    left: int


_room: ContextVar[_Room | None] = ContextVar("room", default=None)


@contextmanager
def of_item() -> Iterator[None]:
    """All that is read within it shares one room; an input within an input shares that of the outer one."""
    if _room.get() is not None:
        yield
        return
    token = _room.set(_Room(MOST))
    try:
        yield
    finally:
        _room.reset(token)


def some(wanted: int) -> int:
    """Takes room for as many of these pieces as there is room for; for all of them outside an item."""
    room = _room.get()
    if room is None:
        return wanted
    granted = min(wanted, room.left)
    room.left -= granted
    return granted


def all_of(wanted: int) -> bool:
    """Takes room for these pieces if there is enough for every one of them."""
    room = _room.get()
    if room is not None and wanted > room.left:
        return False
    some(wanted)
    return True
