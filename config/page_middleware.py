"""Middleware of pages that the API does without.

A request of the API is identified by its key alone: it has no session, no form, no messages and no language of its own.
Everything that refuses a request or protects an answer (hosts, HTTPS, CSP, framing, caching) applies to both, and so
is not here. Nor are those that Django or their package looks for by name, and that cost next to nothing.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest, HttpResponseBase
from django.middleware import locale
from django.utils import translation
from django_htmx import middleware as htmx

API_PREFIX = "/api/v1/"


class _PagesOnly:
    """Skips the middleware class after it for requests of the API."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(API_PREFIX):
            response: HttpResponseBase = self.get_response(request)
        else:
            response = super().__call__(request)  # type: ignore[misc]
        return response


class SessionMiddleware(_PagesOnly, sessions.SessionMiddleware):
    pass


class LocaleMiddleware(_PagesOnly, locale.LocaleMiddleware):
    """The API speaks one language; its thread may just have rendered a page in another one."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        translation.activate(settings.LANGUAGE_CODE)
        return super().__call__(request)


class AuthenticationMiddleware(_PagesOnly, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(_PagesOnly, messages.MessageMiddleware):
    pass


class HtmxMiddleware(_PagesOnly, htmx.HtmxMiddleware):
    pass
