"""What an item's input is made of: blocks, each with a kind, and each kind with a template of its own.

Whatever does not have the shape its key promises is shown as JSON: nothing is ever left out, and nothing that
a producer sends can break the page.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,([A-Za-z0-9+/]+={0,2})")
_TINY = 64  # pixels: at or below this, a picture is drawn large with hard edges


@dataclass(frozen=True)
class Block:
    """One part of the content; `template` draws `data`."""

    kind: str
    data: Any

    @property
    def template(self) -> str:
        return f"reviewqueue/content/{self.kind}.html"


@dataclass(frozen=True)
class Message:
    author: str
    text: str


@dataclass(frozen=True)
class Image:
    source: str
    width: int | None
    height: int | None

    @property
    def tiny(self) -> bool:
        return self.width is not None and self.height is not None and max(self.width, self.height) <= _TINY


def blocks(content: Any) -> list[Block]:
    """The parts of an input in the order they are read: known keys first, the rest as JSON."""
    if isinstance(content, str):
        return [Block("text", content)]
    if not isinstance(content, Mapping):
        return [Block("json", pretty(content))]
    known = [Block(kind, data) for kind, read in _READERS if (data := read(content.get(kind))) is not None]
    shown = {block.kind for block in known}
    rest = {key: value for key, value in content.items() if key not in shown}
    return [*known, Block("json", pretty(rest))] if rest or not known else known


def pretty(value: Any) -> str:
    """JSON as a person reads it, in its own key order."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def facts(value: Any) -> list[tuple[str, str]]:
    """A mapping as pairs to list; anything else under one unnamed pair. Nothing for nothing."""
    if isinstance(value, Mapping):
        return [(str(key), plain(entry)) for key, entry in value.items()]
    return [] if value in (None, "", []) else [("", plain(value))]


def plain(value: Any) -> str:
    """One value as text: a string as it is, a number or a flag in words, anything deeper as JSON."""
    match value:
        case None:
            return "—"
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case list() if all(isinstance(entry, str | int | float) for entry in value):
            return ", ".join(plain(entry) for entry in value)
        case _:
            return pretty(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _messages(value: Any) -> list[Message] | None:
    if not isinstance(value, list) or not value:
        return None
    messages = [message for entry in value if (message := _message(entry))]
    return messages if len(messages) == len(value) else None


def _message(entry: Any) -> Message | None:
    """A chat line; anything beyond an author and a text would be lost, so it makes the whole chat JSON."""
    if not isinstance(entry, Mapping):
        return None
    author = next((entry[key] for key in ("author", "role", "from", "name") if key in entry), "")
    text = next((entry[key] for key in ("text", "content") if key in entry), None)
    if not isinstance(author, str) or not isinstance(text, str) or len(entry) > 2:
        return None
    return Message(author, text)


def _fields(value: Any) -> list[tuple[str, str]] | None:
    return facts(value) if isinstance(value, Mapping) and value else None


def _candidates(value: Any) -> list[str] | None:
    return [plain(entry) for entry in value] if isinstance(value, list) and value else None


def _image(value: Any) -> Image | None:
    """A picture that stands in the data itself; no address is ever fetched."""
    match = _IMAGE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    width, height = _size(match[1], match[2])
    return Image(value, width, height)


def _size(kind: str, encoded: str) -> tuple[int | None, int | None]:
    """Width and height of a PNG or GIF from its first bytes, so that the page keeps its place free."""
    try:
        head = base64.b64decode(encoded[:32])
    except binascii.Error:
        return None, None
    if kind == "png" and head[12:16] == b"IHDR":
        return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
    if kind == "gif" and len(head) >= 10:
        return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    return None, None


# In the order in which a person reads them.
_READERS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("image", _image),
    ("text", _text),
    ("messages", _messages),
    ("fields", _fields),
    ("candidates", _candidates),
    ("url", _text),
)
