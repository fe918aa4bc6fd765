"""Pictures made here, so that none has to be kept: a landscape as a camera might see it, and a digit of 8 by 8."""

from __future__ import annotations

import base64
import math
import random
import struct
import zlib
from collections.abc import Callable
from functools import lru_cache

type Colour = tuple[int, int, int]

_HILLS = ((0.78, 160, 38), (0.64, 110, 66), (0.5, 70, 96))  # from the front: top, length of the wave, shade
_ZERO = ("..####..", ".##..##.", ".#....#.", ".#....#.", ".#....#.", ".#....#.", ".##..##.", "..####..")


def encode_data_url(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def encode_png(width: int, height: int, colour: Callable[[int, int], Colour]) -> bytes:
    """A PNG whose pixels are what `colour` says of their column and row."""
    rows = b"".join(b"\0" + bytes(v for x in range(width) for v in colour(x, y)) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_encode_chunk(name, body) for name, body in chunks)


def _encode_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


@lru_cache(maxsize=4)
def draw_landscape(width: int = 600, height: int = 400) -> str:
    """Hills under an evening sky, with the grain of a photograph; as a data URL."""
    noise = random.Random(7)
    sun = (width * 0.68, height * 0.34, height * 0.08)

    def colour(x: int, y: int) -> Colour:
        grain = noise.randint(-6, 6)
        for hill, (top, wave, shade) in enumerate(_HILLS):
            if y > height * (top + 0.05 * math.sin((x + 90 * hill) / wave) + 0.02 * math.sin((x + 31 * hill) / 23)):
                return _add_grain((shade, shade + 22, shade + 26), grain)
        if math.hypot(x - sun[0], y - sun[1]) < sun[2]:
            return _add_grain((255, 236, 188), grain)
        fall = y / (height * 0.6)
        return _add_grain((int(92 + 150 * fall), int(122 + 62 * fall), int(168 - 30 * fall)), grain)

    return encode_data_url(encode_png(width, height, colour))


def _add_grain(colour: Colour, grain: int) -> Colour:
    red, green, blue = (min(255, max(0, part + grain)) for part in colour)
    return red, green, blue


def draw_digit() -> str:
    """A zero of 8 by 8 pixels, as a data URL."""
    return encode_data_url(encode_png(8, 8, lambda x, y: (20, 20, 20) if _ZERO[y][x] == "#" else (245, 245, 245)))
