"""Images embedded in the data."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import pytest

from reviewqueue import content
from reviewqueue.content import image, image_size
from reviewqueue.content.image import Image
from reviewqueue.content.image_size import ImageInfo
from tests.helpers import pictures
from tests.helpers.content_rendering import extract_visible_text, render_blocks

PNG_HEAD = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 13, b"IHDR")
FRAME = b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", 600, 800)
EXIF = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0%c\0\0\0\0\0\0\0"


def _segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def _webp(chunk: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + chunk


def _images(value: Any, key: str = "image") -> list[Image]:
    (block,) = content.build_blocks({key: value})
    assert block.kind == "image"
    images: list[Image] = block.data
    return images


def _picture(data: bytes, kind: str = "png") -> Image:
    (found,) = _images(pictures.encode_data_url(data, kind))
    return found


@pytest.mark.parametrize(
    ("head", "known"),
    [
        (PNG_HEAD + struct.pack(">II", 800, 600), ImageInfo("png", 800, 600)),
        (b"GIF89a" + struct.pack("<HH", 800, 600), ImageInfo("gif", 800, 600)),
        (b"\xff\xd8" + _segment(0xE0, b"JFIF\0") + FRAME, ImageInfo("jpeg", 800, 600)),
        (b"\xff\xd8" + _segment(0xE1, EXIF % 1) + b"\xff" + FRAME, ImageInfo("jpeg", 800, 600)),
        (b"\xff\xd8" + _segment(0xE1, EXIF % 6) + FRAME, ImageInfo("jpeg", 600, 800)),
        (_webp(b"VP8 \0\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 800, 600)), ImageInfo("webp", 800, 600)),
        (_webp(b"VP8L\0\0\0\0\x2f" + struct.pack("<I", 799 | 599 << 14)), ImageInfo("webp", 800, 600)),
        (_webp(b"VP8X\0\0\0\0\0\0\0\0" + b"\x1f\x03\0\x57\x02\0"), ImageInfo("webp", 800, 600)),
        (PNG_HEAD + struct.pack(">II", 0, 600), ImageInfo("png")),
        (b"\xff\xd8\xff\xe1\xff\xff", ImageInfo("jpeg")),
        (b"\xff\xd8" + _segment(0xE1, b"Exif\0\0MM") + b"\xff", ImageInfo("jpeg")),
        (_webp(b"VP8 "), ImageInfo("webp")),
        (b"<svg/>", None),
        (b"", None),
    ],
)
def test_an_images_kind_and_displayed_size_come_from_its_first_bytes(head: bytes, known: ImageInfo | None) -> None:
    assert image_size.inspect_image(head) == known


def test_truncated_image_data_is_handled() -> None:
    whole = b"\xff\xd8" + _segment(0xE1, EXIF % 6) + _segment(0xE2, b"x" * 40) + FRAME
    for end in range(len(whole)):
        image_size.inspect_image(whole[:end])


def test_a_tiny_image_is_recognized_by_its_first_bytes() -> None:
    small, large = _picture(PNG_HEAD + struct.pack(">II", 8, 8)), _picture(PNG_HEAD + struct.pack(">II", 800, 600))
    assert (small.width, small.height, small.tiny) == (8, 8, True)
    assert not large.tiny


def test_a_photographs_size_is_found_after_its_exif_data() -> None:
    photo = b"\xff\xd8" + _segment(0xE1, b"x" * 60_000) + _segment(0xE2, b"y" * 60_000) + FRAME + b"\0" * 900_000
    assert (_picture(photo, "jpeg").width, _picture(photo, "jpeg").height) == (800, 600)


def test_an_images_media_type_comes_from_its_data() -> None:
    found = _picture(PNG_HEAD + struct.pack(">II", 80, 60), "jpg;charset=x")
    assert found.source.startswith("data:image/png;base64,")
    assert not found.problem


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("data:image/svg+xml;base64," + base64.b64encode(b"<svg onload='x'/>").decode(), "not a PNG"),
        ("data:image/png;base64,AAAA", "not a PNG"),
        ("data:image/png;base64,%89PNG", "not valid base64"),
        ("data:image/png,plain", "not valid base64"),
        ("data:image/png;base64,", "not valid base64"),
        (pictures.encode_data_url(PNG_HEAD + struct.pack(">II", 90_000, 90_000)), "90,000 by 90,000 pixels"),
    ],
)
def test_an_image_that_cannot_be_shown_says_why_and_its_size(source: str, why: str) -> None:
    (found,) = _images(source)
    assert why in found.problem
    assert f"{len(source)}\xa0bytes" in found.problem
    assert "<img" not in render_blocks({"image": source})
    assert source[:20] in extract_visible_text(render_blocks({"image": source}))


def test_whitespace_in_base64_is_ignored() -> None:
    source = pictures.draw_digit()
    assert _images(f"{source[:60]}\n{source[60:]}")[0].source == source


def test_images_have_numbered_alt_texts() -> None:
    html = render_blocks({"images": [pictures.draw_digit(), pictures.draw_digit()]})
    assert 'alt="Image 2 of 2, 8 by 8"' in html
    assert 'alt="Image, 8 by 8"' in render_blocks({"image": pictures.draw_digit()})


@pytest.mark.parametrize("value", ["https://example.com/a.png", ["data:image/png;base64,AAAA", 7], [], 7, None])
def test_urls_are_never_fetched_and_only_data_urls_are_images(value: Any) -> None:
    (block,) = content.build_blocks({"images": value})
    assert block.kind == "json"


def _turned_png(width: int, height: int) -> bytes:
    """A PNG that is to be shown turned by 90 degrees, as its Exif chunk says."""
    png = pictures.encode_png(width, height, lambda x, _y: (250 if x < width / 2 else 5, 5, 5))
    tiff = b"MM\0\x2a\0\0\0\x08" + b"\0\x01" + b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0" + b"\0\0\0\0"
    chunk = struct.pack(">I", len(tiff)) + b"eXIf" + tiff + struct.pack(">I", zlib.crc32(b"eXIf" + tiff))
    return png[:33] + chunk + png[33:]


def test_a_png_is_as_wide_and_high_as_browsers_show_it() -> None:
    (shown,) = image.parse_images(pictures.encode_data_url(_turned_png(40, 20))) or []
    assert (shown.width, shown.height, shown.is_cut_off) == (20, 40, False)


def test_bare_base64_of_an_image_is_an_image_under_any_key() -> None:
    encoded = pictures.draw_digit().partition(",")[2]
    for value in ({"image": encoded}, {"scan": encoded}, {"images": [encoded, pictures.draw_digit()]}):
        assert f'src="{pictures.draw_digit()}"' in render_blocks(value)
    assert "<img" not in render_blocks({"image": "iVBORw0KGgo is how it begins"})


def test_an_image_whose_data_ends_early_says_so() -> None:
    jpeg = b"\xff\xd8\xff\xe0\0\x04\0\0\xff\xc0\0\x11\x08\0\x10\0\x10" + b"\0" * 9000
    png = pictures.encode_png(40, 20, lambda _x, _y: (5, 5, 5))
    for whole, kind in (
        (jpeg + b"\xff\xd9", "jpeg"),
        (png, "png"),
        (b"GIF89a\x10\0\x10\0" + b"\0" * 99 + b"\x3b", "gif"),
    ):
        for data, cut_off in ((whole, False), (whole[: len(whole) - 20], True)):
            (shown,) = image.parse_images(pictures.encode_data_url(data, kind)) or []
            assert (shown.problem, shown.is_cut_off) == ("", cut_off), (kind, cut_off)
    assert "ends early" in render_blocks({"image": pictures.encode_data_url(jpeg, "jpeg")})
