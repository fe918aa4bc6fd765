"""Responses that are streamed while they are read from the database."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from django.http import HttpRequest, StreamingHttpResponse
from rest_framework.request import Request

_GZIP_WINDOW_BITS = 31  # the largest window, with a gzip header
_COMPRESSION_LEVEL = 5


def stream_lines(request: Request | HttpRequest, pages: Iterable[bytes]) -> StreamingHttpResponse:
    """NDJSON, a page at a time, compressed for clients that accept it; every page arrives before the next is read."""
    compressed = _accepts_gzip(request.headers.get("Accept-Encoding", ""))
    headers = {"Accept-Ranges": "none", "Vary": "Accept-Encoding"}
    if compressed:
        headers["Content-Encoding"] = "gzip"
    return StreamingHttpResponse(
        _compress(pages) if compressed else pages, content_type="application/x-ndjson", headers=headers
    )


def _compress(pages: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(_COMPRESSION_LEVEL, zlib.DEFLATED, _GZIP_WINDOW_BITS)
    for page in pages:
        yield compressor.compress(page) + compressor.flush(zlib.Z_SYNC_FLUSH)
    yield compressor.flush()


def _accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header allows gzip: by name or as `*`, and not with a weight of 0 (RFC 9110)."""
    weights = {}
    for part in header.lower().split(","):
        name, _, weight = part.partition(";")
        weights[name.strip()] = weight.replace(" ", "").removeprefix("q=").strip("0.") != "" or not weight
    return weights.get("gzip", weights.get("*", False))
