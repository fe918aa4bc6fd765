"""Images embedded in the data; no URL is ever fetched."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reviewqueue.content import image_size, limits
from reviewqueue.kernel import locale_format

_DATA_URL_PREFIX = re.compile(r"data:(image/[\w.+-]+)(?:;[\w=.+-]+)*;base64,", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_BASE64_STARTS = ("iVBORw0KGgo", "/9j/", "R0lGODdh", "R0lGODlh", "UklGR")  # PNG, JPEG, GIF, WebP
_MIN_BASE64_CHARACTERS = 64  # shorter texts are words
_TAIL_CHARACTERS = 1 << 12  # base64 searched for the end of the image
_TINY_PIXELS = 64  # an image up to this size on both sides is enlarged with hard edges
_HEAD_CHARACTERS = 1 << 19  # base64 searched for the image size: cameras put previews before it
_MAX_PIXELS = 120_000_000  # larger images freeze a browser
MAX_IMAGES = 60  # images shown; the others are data
_PREVIEW_CHARACTERS = 600  # characters shown of data that is not an image


@dataclass(frozen=True, slots=True)
class Image:
    """One image. If it cannot be shown, `problem` says why and `data_preview` is the beginning of its data.

    If there are too many images, the last one's `problem` counts the others and `rest` is their data.
    """

    source: str = ""
    width: int | None = None
    height: int | None = None
    problem: str = ""
    data_preview: str = ""
    rest: str = ""
    is_cut_off: bool = False  # its data ends early: browsers draw what there is, and grey below

    @property
    def tiny(self) -> bool:
        return self.width is not None and self.height is not None and max(self.width, self.height) <= _TINY_PIXELS


def parse_images(value: Any) -> list[Image] | None:
    """One image or a list of them, each a data URL or bare base64; None for anything else, including other URLs."""
    sources = value if isinstance(value, list) else [value]
    if not sources or not all(looks_like_image(source) for source in sources):
        return None
    room = limits.take_pieces(min(len(sources), MAX_IMAGES))
    images = [found for source in sources[:room] if (found := parse_image(source)) is not None]
    return [*images, _summarize_undrawn(sources[room:])] if sources[room:] else images


def parse_image(source: Any) -> Image | None:
    """The image of a data URL, valid or not, or of bare base64; None if the value is neither."""
    if _is_bare_base64(source):
        return parse_base64_image(source)
    if not _is_data_url(source):
        return None
    match = _DATA_URL_PREFIX.match(source)
    if match is None:
        return _broken_image(source, _("it is not valid base64"))
    encoded = "".join(source[match.end() :].split())
    if not _BASE64.fullmatch(encoded) or len(encoded) % 4 == 1:
        return _broken_image(source, _("it is not valid base64"))
    return _drawable_image(source, encoded)


def looks_like_image(value: Any) -> bool:
    """Whether a value is a data URL of an image, or base64 that begins as a PNG, JPEG, GIF or WebP image does."""
    return _is_data_url(value) or _is_bare_base64(value)


def _is_bare_base64(source: Any) -> bool:
    return (
        isinstance(source, str)
        and source.startswith(_BASE64_STARTS)
        and len(source) >= _MIN_BASE64_CHARACTERS
        and _BASE64.fullmatch(source[:_MIN_BASE64_CHARACTERS]) is not None
    )


def _is_data_url(source: Any) -> bool:
    return isinstance(source, str) and source[:11].lower() == "data:image/"


def _summarize_undrawn(sources: list[str]) -> Image:
    count = len(sources)
    sentence = ngettext("%(count)s more image is not shown.", "%(count)s more images are not shown.", count)
    return Image(
        problem=sentence % {"count": locale_format.format_number(count, grouped=True)}, rest="\n".join(sources)
    )


def parse_base64_image(encoded: str) -> Image | None:
    """An image as bare base64, as some chat formats have it."""
    return parse_image(f"data:image/unknown;base64,{encoded}")


def _drawable_image(source: str, encoded: str) -> Image:
    known = image_size.inspect_image(_decode_head(encoded[:_HEAD_CHARACTERS]))
    if known is None:
        return _broken_image(source, _("it is not a PNG, JPEG, GIF or WebP image"))
    if known.width and known.height and known.width * known.height > _MAX_PIXELS:
        size = {
            side: locale_format.format_number(pixels, grouped=True)
            for side, pixels in (("width", known.width), ("height", known.height))
        }
        return _broken_image(source, _("it is too large, at %(width)s by %(height)s pixels") % size)
    # The media type comes from the data, not from the sender. The string needs no escaping: marking it safe saves a
    # scan of a long text.
    source = SafeString(f"data:image/{known.kind};base64,{encoded}")
    byte_count = len(encoded) * 3 // 4 - encoded.count("=", -2)
    cut_off = image_size.is_cut_off(known, tail=_decode_tail(encoded), size=byte_count)
    return Image(source, known.width, known.height, is_cut_off=cut_off)


def _decode_tail(encoded: str) -> bytes:
    start = max(0, (len(encoded) - _TAIL_CHARACTERS) // 4 * 4)
    return _decode_head(encoded[start:])


def _decode_head(encoded: str) -> bytes:
    whole = (
        encoded[: len(encoded) // 4 * 4] if len(encoded) == _HEAD_CHARACTERS else encoded + "=" * (-len(encoded) % 4)
    )
    try:
        return base64.b64decode(whole)
    except binascii.Error:
        return b""


def _broken_image(source: str, why: str) -> Image:
    params = {"why": why, "size": locale_format.format_size(len(source))}
    problem = _("This image can’t be shown: %(why)s (%(size)s of data).") % params  # noqa: RUF001
    return Image(problem=problem, data_preview=source[:_PREVIEW_CHARACTERS])
