"""Answers that the server gives itself, to requests that never reach the application."""

from __future__ import annotations

import re
from http import HTTPStatus

import msgspec
from django.template.loader import render_to_string
from gunicorn.http import errors

from reviewqueue.kernel.errors import Problem

_CODES = {
    HTTPStatus.REQUEST_TIMEOUT: "request_timeout",
    HTTPStatus.URI_TOO_LONG: "uri_too_long",
    HTTPStatus.EXPECTATION_FAILED: "expectation_failed",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "headers_too_large",
    HTTPStatus.NOT_IMPLEMENTED: "not_implemented",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal_error",
}
RETRY_AFTER_SECONDS = 5
_ACCEPTS_HTML = re.compile(rb"^accept:[^\r\n]*\btext/html\b", re.IGNORECASE | re.MULTILINE)


def describe_error(error: Exception) -> Problem | None:
    """The problem of a request that the server's parser rejects; None for any other error."""
    match error:
        case errors.ExpectationFailed():
            return build_problem(417, "The Expect header can only be 100-continue. Leave it out.")
        case errors.LimitRequestLine():
            return build_problem(414, "The address is too long.")
        case errors.LimitRequestHeaders():
            return build_problem(431, "The request's headers are too large or too many.")
        case errors.UnsupportedTransferCoding():
            return build_problem(501, "The only supported Transfer-Encoding is chunked.")
        case errors.InvalidResponseHeader() | errors.InvalidResponseHeaderName() | errors.ConfigurationProblem():
            return None
        case errors.ParseException() | errors.NoMoreData():
            return build_problem(400, "The request is malformed: its first line or a header is not valid HTTP.")
    return None


def build_problem(status: int, detail: str) -> Problem:
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Problem(status, _CODES.get(HTTPStatus(status), "malformed"), detail, headers=headers)


def render_refusal(problem: Problem, target: bytes, head: bytes = b"") -> bytes:
    """The whole response, which ends the connection: a problem document under /api/, a page for a browser, or text."""
    content_type, body = _render_body(problem, target, head)
    headers = {
        "Content-Type": content_type,
        "Content-Length": str(len(body)),
        "Connection": "close",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        **problem.headers,
    }
    lines = [f"HTTP/1.1 {problem.status} {problem.title}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _render_body(problem: Problem, target: bytes, head: bytes) -> tuple[str, bytes]:
    if target.startswith(b"/api/"):
        return "application/problem+json", msgspec.json.encode(problem.document())
    if _ACCEPTS_HTML.search(head):
        page = render_to_string("reviewqueue/server_error.html", {"problem": problem})
        return "text/html; charset=utf-8", page.encode()
    return "text/plain; charset=utf-8", f"{problem.detail}\n".encode()
