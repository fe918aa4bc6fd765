"""A block of content, and the JSON block that can show any value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reviewqueue.content import tree


@dataclass(frozen=True)
class Block:
    """One part of the content; `template` renders `data`.

    `key` is its key in the input, "" for the whole input; `also` are further keys that it shows.
    """

    kind: str
    data: Any
    key: str = ""
    also: tuple[str, ...] = ()

    @property
    def template(self) -> str:
        return f"reviewqueue/content/{self.kind}.html"


def build_data_block(value: Any, key: str = "", *, is_open: bool = False) -> Block:
    """A value as a JSON tree: for values that no other kind accepts, and for the rest of a block's data.

    `is_open`: with every level open at first.
    """
    return Block("json", tree.parse_tree(value, is_open=is_open), key)
