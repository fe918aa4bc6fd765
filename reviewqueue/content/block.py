"""One part of the content, and the kind that shows anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reviewqueue.content import tree


@dataclass(frozen=True)
class Block:
    """One part of the content; `template` draws `data`. `key` is where it stood in the input, "" for the whole.

    `also` are further keys of the input that it shows.
    """

    kind: str
    data: Any
    key: str = ""
    also: tuple[str, ...] = ()

    @property
    def template(self) -> str:
        return f"reviewqueue/content/{self.kind}.html"


def build_data_block(value: Any, key: str = "") -> Block:
    """A value as a tree: for what no other kind understands, and for what a kind understands only in part."""
    return Block("json", tree.parse_tree(value), key)
