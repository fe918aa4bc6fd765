"""A picture that stands in the data."""

from __future__ import annotations

import base64
import struct

from reviewqueue import content


def _png(width: int, height: int) -> str:
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x00\x00\x00\x00"
    return "data:image/png;base64," + base64.b64encode(head).decode()


def test_a_tiny_picture_is_known_by_its_first_bytes() -> None:
    (small,) = content.blocks({"image": _png(8, 8)})
    (large,) = content.blocks({"image": _png(800, 600)})
    assert (small.data.width, small.data.height, small.data.tiny) == (8, 8, True)
    assert not large.data.tiny
    (unknown,) = content.blocks({"image": "data:image/jpeg;base64,AAAA"})
    assert unknown.data.width is None
