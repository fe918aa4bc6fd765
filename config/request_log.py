"""One log line per request, when it is finished; all other lines of the request carry its id."""

from __future__ import annotations

import uuid
from typing import Any

import structlog
from django.dispatch import receiver
from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware
from django_structlog.signals import bind_extra_request_finished_metadata


class RequestLogMiddleware(RequestMiddleware):
    """Without the library's second line, at the start of a request, which says nothing that the other does not say."""

    def prepare(self, request: HttpRequest) -> None:
        request_id = request.META.get("HTTP_X_REQUEST_ID") or str(uuid.uuid4())
        structlog.contextvars.bind_contextvars(request_id=request_id)
        self.bind_user_id(request)


@receiver(bind_extra_request_finished_metadata, sender=RequestLogMiddleware)
def add_user_agent(request: HttpRequest, log_kwargs: dict[str, Any], **others: Any) -> None:
    """Add what the line at the start would have said."""
    log_kwargs["user_agent"] = request.META.get("HTTP_USER_AGENT")
