"""Turn every exception into one RFC 9457 problem document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation, ValidationError
from django.core.signals import got_request_exception
from django.db import DatabaseError, DataError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.utils.translation import gettext as _
from rest_framework import exceptions

from reviewqueue.kernel import sql
from reviewqueue.kernel.errors import DomainError, Problem

log = structlog.get_logger(__name__)
RETRY_AFTER_SECONDS = 5
_CODES_BY_STATUS = {
    400: "malformed",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
}


def respond_with_problem(problem: Problem) -> HttpResponse:
    return HttpResponse(
        msgspec.json.encode(problem.document()),
        content_type="application/problem+json",
        status=problem.status,
        headers=problem.headers,
    )


def handle_api_exception(exc: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """DRF's exception handler: API views never answer with HTML or a stack trace."""
    problem = problem_of(exc)
    if problem is None:
        problem = log_unexpected_error(exc, context.get("request"))
    return respond_with_problem(problem)


def problem_of(exc: BaseException) -> Problem | None:
    """The problem an exception stands for; None when it is a bug of ours."""
    match exc:
        case Problem():
            return exc
        case DomainError():
            return _from_domain_error(exc)
        case DatabaseError() | InterfaceError():
            return _from_database_error(exc)
        case exceptions.APIException():
            return _from_api_error(exc)
        case ValidationError():
            return Problem(400, "invalid", _("Some fields are invalid."), errors=_field_errors(exc))
        case Http404():
            return Problem(404, "not_found", _("Nothing exists at this address."))
        case PermissionDenied():
            return Problem(403, "forbidden", _("You do not have permission to do this."))
        case RequestDataTooBig():
            return Problem(413, "too_large", _("The body is too large."))
        case SuspiciousOperation() | UnreadablePostError():
            return Problem(400, "malformed", _("The request is malformed."))
    return None


def log_unexpected_error(exc: BaseException, request: Any) -> Problem:
    """Log an unexpected exception with its trace; the response reveals nothing about it."""
    django_request: HttpRequest | None = getattr(request, "_request", request)
    log.error("unexpected error", path=getattr(django_request, "path", ""), exc_info=exc)
    # Django sends this for any unhandled exception; error reporters and the test client listen to it.
    got_request_exception.send(sender=None, request=django_request)
    return Problem(500, "internal_error", _("Something went wrong on our side. It has been recorded."))


def _from_domain_error(exc: DomainError) -> Problem:
    return Problem(
        exc.status,
        exc.code,
        str(exc),
        errors=getattr(exc, "errors", None),
        headers=getattr(exc, "headers", None),
    )


def _from_database_error(exc: DatabaseError | InterfaceError) -> Problem | None:
    if sql.is_outage(exc):
        return _unavailable(exc)
    if isinstance(exc, DataError) and _is_text_error(exc):
        return Problem(
            400,
            "invalid_text",
            _("The text contains characters that cannot be stored, such as NUL. Remove them."),
        )
    return None


def _is_text_error(exc: DataError) -> bool:
    """Whether a text caused the error, such as a NUL in a path or form: search terms are not all validated.

    The driver rejects a NUL without asking the server, so without an SQLSTATE; the server's codes are about encoding.
    Any other data error, such as a division by zero, is a bug of ours.
    """
    return getattr(exc.__cause__, "sqlstate", None) in {None, "22021", "22P05"}


def _unavailable(exc: BaseException) -> Problem:
    """The database is down, full, overloaded or locked: nothing was stored, so a retry is safe."""
    log.error("database unavailable", error=type(exc.__cause__ or exc).__name__, message=str(exc).strip())
    return Problem(
        503,
        "unavailable",
        _("The service is temporarily unavailable. Try again shortly."),
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def _from_api_error(exc: exceptions.APIException) -> Problem:
    status = exc.status_code
    if isinstance(exc, exceptions.ValidationError):
        return Problem(400, "invalid", _("Some fields are invalid."), errors=list(_flatten(exc.detail)))
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = getattr(exc, "auth_header", "Bearer")
    if (wait := getattr(exc, "wait", None)) is not None:  # exceptions.Throttled
        headers["Retry-After"] = str(int(wait) + 1)
    return Problem(status, _CODES_BY_STATUS.get(status, "refused"), _describe_api_error(exc), headers=headers)


def _describe_api_error(exc: exceptions.APIException) -> str:
    """The framework's sentence, or a better one where it does not say what to do."""
    match exc:
        case exceptions.NotAuthenticated():
            return _("Send an API key: `Authorization: Bearer <key>`.")
        case exceptions.UnsupportedMediaType():
            return _("Set Content-Type to application/json.")
    return str(exc.detail)


def _field_errors(exc: ValidationError) -> list[dict[str, str]]:
    return list(_flatten(exc.message_dict if hasattr(exc, "error_dict") else exc.messages))


def _flatten(detail: Any, pointer: str = "") -> Iterator[dict[str, str]]:
    """Flatten nested field errors to `{"pointer", "detail"}`."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            yield from _flatten(
                value, pointer if key in {"non_field_errors", "__all__"} else f"{pointer}/{_escape_step(key)}"
            )
    elif isinstance(detail, list) and any(isinstance(value, dict) for value in detail):
        for index, value in enumerate(detail):
            yield from _flatten(value, f"{pointer}/{index}")
    elif isinstance(detail, list):
        for value in detail:
            yield from _flatten(value, pointer)
    else:
        yield {"pointer": pointer, "detail": str(detail)}


def _escape_step(key: object) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")
