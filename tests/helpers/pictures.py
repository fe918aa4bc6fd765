"""Generate test images, so that none has to be committed: a photo-like landscape and an 8 by 8 digit."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable
from functools import lru_cache

import numpy as np

type Colour = tuple[int, int, int]

_HILLS = ((0.78, 160, 38), (0.64, 110, 66), (0.5, 70, 96))  # from the front: top, length of the wave, shade
_ZERO = ("..####..", ".##..##.", ".#....#.", ".#....#.", ".#....#.", ".#....#.", ".##..##.", "..####..")


def encode_data_url(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def encode_png(width: int, height: int, colour: Callable[[int, int], Colour]) -> bytes:
    """A PNG whose pixels are `colour(column, row)`."""
    return _encode_pixels(width, height, bytes(v for y in range(height) for x in range(width) for v in colour(x, y)))


def _encode_pixels(width: int, height: int, pixels: bytes) -> bytes:
    line = 3 * width
    rows = b"".join(b"\0" + pixels[at : at + line] for at in range(0, len(pixels), line))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_encode_chunk(name, body) for name, body in chunks)


def _encode_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


@lru_cache(maxsize=4)
def draw_landscape(width: int = 600, height: int = 400) -> str:
    """Hills under an evening sky, with the grain of a photograph; as a data URL."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    fall = (y / (height * 0.6))[..., np.newaxis]
    seen = np.array([92, 122, 168]) + np.array([150, 62, -30]) * fall
    seen[np.hypot(x - width * 0.68, y - height * 0.34) < height * 0.08] = (255, 236, 188)
    for hill, (top, wave, shade) in reversed(list(enumerate(_HILLS))):  # those in front hide those behind
        edge = top + 0.05 * np.sin((x + 90 * hill) / wave) + 0.02 * np.sin((x + 31 * hill) / 23)
        seen[y > height * edge] = (shade, shade + 22, shade + 26)
    grain = np.random.default_rng(7).integers(-6, 6, size=(height, width, 1), endpoint=True)
    return encode_data_url(
        _encode_pixels(width, height, np.clip(seen.astype(int) + grain, 0, 255).astype(np.uint8).tobytes())
    )


def draw_digit() -> str:
    """A zero of 8 by 8 pixels, as a data URL."""
    return encode_data_url(encode_png(8, 8, lambda x, y: (20, 20, 20) if _ZERO[y][x] == "#" else (245, 245, 245)))
