"""The kind and displayed size of an image, from its first bytes. Pure.

PNG: RFC 2083. GIF: GIF89a. JPEG: ITU T.81, with the orientation from Exif 2.3. WebP: RFC 9649.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG markers that carry the size
_ORIENTATION_TAG = 0x0112  # the Exif tag; values from 5 swap width and height


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """`kind` is the media subtype, such as `png`. Sizes are in pixels, None if the first bytes do not have them."""

    kind: str
    width: int | None = None
    height: int | None = None
    size: int | None = field(default=None, compare=False)  # in bytes, where the first ones say it


def inspect_image(head: bytes) -> ImageInfo | None:
    """The image that starts with these bytes; None if they are not a PNG, JPEG, GIF or WebP."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _inspect_png(head) if head[12:16] == b"IHDR" else None
    if head[:6] in {b"GIF87a", b"GIF89a"}:
        return _build_info("gif", _little_endian(head[6:8]), _little_endian(head[8:10]))
    if head.startswith(b"\xff\xd8\xff"):
        return _inspect_jpeg(head)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return replace(_inspect_webp(head[12:]), size=_little_endian(head[4:8]) + 8)
    return None


def is_cut_off(info: ImageInfo, *, tail: bytes, size: int) -> bool:
    """Whether an image of `size` bytes, the last of which are `tail`, lacks its end."""
    if info.kind == "webp":
        return info.size is not None and size < info.size
    return {"png": b"IEND", "jpeg": b"\xff\xd9", "gif": b"\x3b"}[info.kind] not in tail


def _build_info(kind: str, width: int, height: int) -> ImageInfo:
    return ImageInfo(kind, width, height) if width and height else ImageInfo(kind)


def _inspect_png(head: bytes) -> ImageInfo:
    """The size in the header, turned if an Exif chunk before the image data says so."""
    width, height = _big_endian(head[16:20]), _big_endian(head[20:24])
    at = 8
    while at + 8 <= len(head) and head[at + 4 : at + 8] != b"IDAT":
        length = _big_endian(head[at : at + 4])
        if head[at + 4 : at + 8] == b"eXIf" and _is_turned(head[at + 8 : at + 8 + length]):
            return _build_info("png", height, width)
        at += 12 + length
    return _build_info("png", width, height)


def _inspect_jpeg(head: bytes) -> ImageInfo:
    """Walk the segments up to the frame header, which follows the Exif data."""
    at, turned = 2, False
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker in _FRAME_MARKERS:
            height, width = _big_endian(head[at + 5 : at + 7]), _big_endian(head[at + 7 : at + 9])
            return _build_info("jpeg", height, width) if turned else _build_info("jpeg", width, height)
        length = _big_endian(head[at + 2 : at + 4])
        if marker == 0xE1 and head[at + 4 : at + 10] == b"Exif\0\0":
            turned = _is_turned(head[at + 10 : at + 2 + length])
        at += 2 + max(length, 2)
    return ImageInfo("jpeg")


def _is_turned(tiff: bytes) -> bool:
    """Whether the first Exif directory says that the image is rotated by 90 degrees."""
    order = "little" if tiff[:2] == b"II" else "big"
    number = _little_endian if order == "little" else _big_endian
    directory = number(tiff[4:8])
    entries = min(number(tiff[directory : directory + 2]), 64)
    for at in range(directory + 2, directory + 2 + 12 * entries, 12):
        if number(tiff[at : at + 2]) == _ORIENTATION_TAG:
            return 5 <= number(tiff[at + 8 : at + 10]) <= 8
    return False


def _inspect_webp(chunk: bytes) -> ImageInfo:
    match chunk[:4]:
        case b"VP8 " if chunk[11:14] == b"\x9d\x01\x2a":
            return _build_info("webp", _little_endian(chunk[14:16]) & 0x3FFF, _little_endian(chunk[16:18]) & 0x3FFF)
        case b"VP8L" if chunk[8:9] == b"\x2f":
            bits = _little_endian(chunk[9:13])
            return _build_info("webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case b"VP8X" if len(chunk) >= 18:
            return _build_info("webp", _little_endian(chunk[12:15]) + 1, _little_endian(chunk[15:18]) + 1)
        case _:
            return ImageInfo("webp")


def _big_endian(data: bytes) -> int:
    return int.from_bytes(data)


def _little_endian(data: bytes) -> int:
    return int.from_bytes(data, "little")
