"""Pictures that stand in the data itself; no address is ever fetched."""

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
_TINY_PIXELS = 64  # pixels: at or below this, a picture is drawn large with hard edges
_HEAD_CHARACTERS = 1 << 19  # characters of base64 in which a size is looked for: cameras put previews before it
_MAX_PIXELS = 120_000_000  # pixels: what unpacks to more stops a browser
MAX_IMAGES = 60  # pictures that are drawn
_PREVIEW_CHARACTERS = 600  # characters shown of data that is no picture


@dataclass(frozen=True, slots=True)
class Image:
    """One picture to draw, or one that cannot be: then `problem` says why and `beginning` is how its data begins.

    Past the most that are drawn, the last one says how many more there are, and `rest` is their data.
    """

    source: str = ""
    width: int | None = None
    height: int | None = None
    problem: str = ""
    data_preview: str = ""
    rest: str = ""

    @property
    def tiny(self) -> bool:
        return self.width is not None and self.height is not None and max(self.width, self.height) <= _TINY_PIXELS


def parse_images(value: Any) -> list[Image] | None:
    """One picture or a list of them, each a data URL. None for anything else, addresses included."""
    sources = value if isinstance(value, list) else [value]
    if not sources or not all(_is_data_url(source) for source in sources):
        return None
    room = limits.take_pieces(min(len(sources), MAX_IMAGES))
    images = [found for source in sources[:room] if (found := parse_image(source)) is not None]
    return [*images, _summarize_undrawn(sources[room:])] if sources[room:] else images


def parse_image(source: Any) -> Image | None:
    """The picture of a data URL, which need not be a good one; None where there is no data URL of a picture."""
    if not _is_data_url(source):
        return None
    match = _DATA_URL_PREFIX.match(source)
    if match is None:
        return _broken_image(source, _("it is not written in base64"))
    encoded = "".join(source[match.end() :].split())
    if not _BASE64.fullmatch(encoded) or len(encoded) % 4 == 1:
        return _broken_image(source, _("it is not written in base64"))
    return _drawable_image(source, encoded)


def _is_data_url(source: Any) -> bool:
    return isinstance(source, str) and source[:11].lower() == "data:image/"


def _summarize_undrawn(sources: list[str]) -> Image:
    count = len(sources)
    told = ngettext("%(count)s more picture is not drawn.", "%(count)s more pictures are not drawn.", count)
    return Image(problem=told % {"count": locale_format.format_number(count, grouped=True)}, rest="\n".join(sources))


def parse_base64_image(encoded: str) -> Image | None:
    """The picture of bare base64, as some chat formats carry it."""
    return parse_image(f"data:image/unknown;base64,{encoded}")


def _drawable_image(source: str, encoded: str) -> Image:
    known = image_size.inspect_image(_decode_head(encoded[:_HEAD_CHARACTERS]))
    if known is None:
        return _broken_image(source, _("its data begins like no PNG, JPEG, GIF or WebP"))
    if known.width and known.height and known.width * known.height > _MAX_PIXELS:
        size = {
            side: locale_format.format_number(pixels, grouped=True)
            for side, pixels in (("width", known.width), ("height", known.height))
        }
        return _broken_image(source, _("it would be %(width)s by %(height)s pixels") % size)
    # The kind is what the data says, not what its sender says of it.
    # And it holds nothing that markup would take for its own, which spares a long text the search for it.
    source = SafeString(f"data:image/{known.kind};base64,{encoded}")
    return Image(source, known.width, known.height)


def _decode_head(encoded: str) -> bytes:
    whole = (
        encoded[: len(encoded) // 4 * 4] if len(encoded) == _HEAD_CHARACTERS else encoded + "=" * (-len(encoded) % 4)
    )
    try:
        return base64.b64decode(whole)
    except binascii.Error:
        return b""


def _broken_image(source: str, why: str) -> Image:
    told = {"why": why, "size": locale_format.format_size(len(source))}
    problem = _("This picture can’t be shown: %(why)s. Its data is %(size)s long.") % told  # noqa: RUF001
    return Image(problem=problem, data_preview=source[:_PREVIEW_CHARACTERS])
