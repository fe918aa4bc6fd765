"""Answers that the server gives itself, to requests that never reach the application."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
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


def render_refusal(problem: Problem, target: bytes) -> bytes:
    """The whole response: a problem document under /api/, otherwise plain text. It ends the connection."""
    if target.startswith(b"/api/"):
        content_type, body = "application/problem+json", msgspec.json.encode(problem.document())
    else:
        content_type, body = "text/plain; charset=utf-8", f"{problem.detail}\n".encode()
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
