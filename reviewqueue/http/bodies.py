"""Request and response bodies: size limit, strict JSON parsing, JSON rendering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import IO, Any

import msgspec
from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from reviewqueue.kernel import sent_json
from reviewqueue.kernel.errors import Problem
from reviewqueue.kernel.strict_json import parse_json

_JSON_MEDIA_TYPES = ("application/json",)


def read_body(request: Request | HttpRequest, *, accepts: Sequence[str] = _JSON_MEDIA_TYPES) -> bytes:
    """The raw body, never buffering more than `settings.API_BODY_LIMIT` bytes.

    Raises 413 `too_large`, 415 `unsupported_media_type`, `unsupported_encoding` or `unsupported_charset`.
    Django's `request.body` is not used because it answers 400 to anything beyond its 2.5 MB form limit.
    """
    plain: HttpRequest = request._request if isinstance(request, Request) else request
    _check_headers(plain, accepts)
    limit = settings.API_BODY_LIMIT
    if _declared_length(plain) > limit:
        raise _too_large(limit)
    chunks, size, stream = [], 0, _body_stream(plain)
    # The server has received the whole body already: reading it at once copies nothing.
    while chunk := stream.read(limit + 1 - size):
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def read_json(request: Request | HttpRequest) -> Any:
    """The body as strictly parsed JSON (see `parse_json`)."""
    return parse_json(read_body(request))


class StrictJSONParser(BaseParser):
    """DRF parser that uses `read_json`."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        assert parser_context is not None
        return read_json(parser_context["request"])


class MsgspecRenderer(BaseRenderer):
    """DRF renderer that uses msgspec; NaN, which JSON cannot represent, becomes null."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else msgspec.json.encode(data, enc_hook=_encode_other)


class JSONOnlyNegotiation(BaseContentNegotiation):
    """Ignore the Accept header: there is one representation, and browsers get it too."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        sent = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type in {sent, "*/*"}), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


def _check_headers(request: HttpRequest, accepts: Sequence[str]) -> None:
    if request.headers.get("Content-Encoding", "identity").lower() not in {"", "identity"}:
        raise Problem(415, "unsupported_encoding", "Send the body uncompressed, without Content-Encoding.")
    if request.content_type not in accepts:
        raise Problem(415, "unsupported_media_type", f"Set Content-Type to {' or '.join(accepts)}.")
    charset = (request.content_params or {}).get("charset", "utf-8").strip("\"'").lower()
    if charset not in {"utf-8", "utf8"}:
        raise Problem(415, "unsupported_charset", "Send the body as UTF-8.")


def _declared_length(request: HttpRequest) -> int:
    declared = request.META.get("CONTENT_LENGTH") or "0"
    try:
        return int(declared)
    except ValueError:
        raise Problem(400, "malformed", "Content-Length is not a number.") from None


def _body_stream(request: HttpRequest) -> Any:
    """The stream to read the body from; a chunked body has no length, so Django would treat it as empty."""
    if "chunked" not in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        return request
    if not request.META.get("wsgi.input_terminated"):
        raise Problem(411, "length_required", "Send the body with a Content-Length.")
    return request.META["wsgi.input"]


def _too_large(limit: int) -> Problem:
    return Problem(413, "too_large", f"The body is larger than {limit // (1024 * 1024)} MiB. Send less at a time.")


def _encode_other(value: Any) -> Any:
    return str(value) if isinstance(value, Promise) else sent_json.encode_number(value)
