"""Bodies: read within a limit, decoded strictly, answered as JSON."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, Never

import msgspec
from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from .problem import Problem

MAX_DEPTH = 64
_CHUNK = 64 * 1024
_JSON = ("application/json",)
# Only bodies that spell one of these out can decode to a NUL or half a surrogate pair.
_SUSPECT_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_NOT_PLAIN = re.compile("[\0\ud800-\udfff]")


def read_body(request: Request | HttpRequest, *, accepts: Sequence[str] = _JSON) -> bytes:
    """The raw body, never buffered past `settings.API_BODY_LIMIT`.

    Raises 413 `too_large`, 415 `unsupported_media_type`, `unsupported_encoding` or `unsupported_charset`.
    Django's own `request.body` is not used: it answers everything past its 2.5 MB limit for forms with 400.
    """
    plain: HttpRequest = request._request if isinstance(request, Request) else request
    _check_headers(plain, accepts)
    limit = settings.API_BODY_LIMIT
    if _declared_length(plain) > limit:
        raise _too_large(limit)
    chunks, size, stream = [], 0, _stream(plain)
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def read_json(request: Request | HttpRequest) -> Any:
    """The body as JSON, strictly (see `parse_json`)."""
    return parse_json(read_body(request))


def parse_json(raw: bytes) -> Any:
    """One JSON value, without what two readers could understand differently or PostgreSQL cannot store.

    Refuses, each as 400 with its own code: invalid UTF-8 and syntax, NaN and infinities (`invalid_json`),
    duplicate keys, numbers past a double's range, NUL and lone surrogates, more than 64 levels.
    """
    try:
        value = _DECODER.decode(raw.decode())
    except UnicodeDecodeError as error:
        raise Problem(400, "invalid_json", f"Byte {error.start} is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise Problem(400, "invalid_json", f"{error.msg}: character {error.pos}.") from None
    except RecursionError:
        raise _too_deep() from None
    # Depth needs as many opening brackets; counting them costs a tenth of walking the value.
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        _check_depth(value)
    if _SUSPECT_ESCAPE.search(raw):
        _check_text(value)
    return value


def check_json(raw: bytes) -> None:
    """Raise what `parse_json` raises, for a body that something faster decodes."""
    parse_json(raw)


class StrictJSONParser(BaseParser):
    """DRF's door to `read_json`."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        assert parser_context is not None
        return read_json(parser_context["request"])


class MsgspecRenderer(BaseRenderer):
    """JSON by msgspec; NaN, which JSON has no word for, becomes null."""

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
        return b"" if data is None else msgspec.json.encode(data, enc_hook=_plain)


class AlwaysJSON(BaseContentNegotiation):
    """Answers don't depend on Accept: there is one representation, and a browser gets it too."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        sent = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type in {sent, "*/*"}), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


def _check_headers(request: HttpRequest, accepts: Sequence[str]) -> None:
    if request.headers.get("Content-Encoding", "identity").lower() not in {"", "identity"}:
        raise Problem(415, "unsupported_encoding", "Send the body uncompressed, without Content-Encoding.")
    if request.content_type not in accepts:
        raise Problem(415, "unsupported_media_type", f"Send {' or '.join(accepts)}.")
    charset = (request.content_params or {}).get("charset", "utf-8").strip("\"'").lower()
    if charset not in {"utf-8", "utf8"}:
        raise Problem(415, "unsupported_charset", "JSON is sent as UTF-8.")


def _declared_length(request: HttpRequest) -> int:
    declared = request.META.get("CONTENT_LENGTH") or "0"
    try:
        return int(declared)
    except ValueError:
        raise Problem(400, "malformed", "Content-Length is not a number.") from None


def _stream(request: HttpRequest) -> Any:
    """Where the body comes from; a chunked one has no length, so Django would take it for empty."""
    if "chunked" not in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        return request
    if not request.META.get("wsgi.input_terminated"):
        raise Problem(411, "length_required", "Send the body with a Content-Length.")
    return request.META["wsgi.input"]


def _too_large(limit: int) -> Problem:
    return Problem(413, "too_large", f"A body has at most {limit // (1024 * 1024)} MiB.")


def _too_deep() -> Problem:
    return Problem(400, "too_deep", f"More than {MAX_DEPTH} levels are nested in each other.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        (twice, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise Problem(400, "duplicate_key", f"The key {_shown(twice)} stands twice in one object.")
    return unique


def _no_constant(name: str) -> Never:
    raise Problem(400, "invalid_json", f"{name} is not JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _out_of_range(text)
    return number


def _bounded(text: str) -> int:
    if len(text) > 300 and math.isinf(float(text)):
        raise _out_of_range(text)
    return int(text)


def _out_of_range(text: str) -> Problem:
    return Problem(400, "number_out_of_range", f"The number {_shown(text)} is past what a double can hold.")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")


def _check_depth(value: Any) -> None:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent) if isinstance(child, (dict, list))]
        if not level:
            return
    raise _too_deep()


def _children(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _check_text(value: Any) -> None:
    for pointer, text in _texts(value, ""):
        if _NOT_PLAIN.search(text):
            raise Problem(
                400,
                "invalid_text",
                "A text contains NUL or half a surrogate pair.",
                errors=[{"pointer": pointer, "detail": "Not text that can be stored."}],
            )


def _texts(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """Every string in a decoded value, keys too, with a pointer to it."""
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _texts(child, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for key, child in value.items():
            yield pointer, key
            yield from _texts(child, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")


def _plain(value: Any) -> Any:
    if isinstance(value, Promise):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite, parse_int=_bounded
)
