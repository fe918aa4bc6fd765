"""A picture that stands in the data itself; no address is ever fetched."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,([A-Za-z0-9+/]+={0,2})")
_TINY = 64  # pixels: at or below this, a picture is drawn large with hard edges


@dataclass(frozen=True)
class Image:
    source: str
    width: int | None
    height: int | None

    @property
    def tiny(self) -> bool:
        return self.width is not None and self.height is not None and max(self.width, self.height) <= _TINY


def read(value: Any) -> Image | None:
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
