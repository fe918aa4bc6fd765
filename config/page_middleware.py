"""Middleware of pages that the API does without.

A request of the API is identified by its key alone: it has no session, no form, no messages and no language of its own.
Everything that refuses a request or protects an answer (hosts, HTTPS, CSP, framing, caching) applies to both, and so
is not here.
"""

from __future__ import annotations

from typing import Any

from axes import middleware as axes
from django.conf import settings
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest, HttpResponseBase
from django.middleware import csrf, locale
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


class CsrfViewMiddleware(_PagesOnly, csrf.CsrfViewMiddleware):
    """No view of the API reads a cookie, and all of them are exempt, so its hook for views has nothing to refuse."""


class AuthenticationMiddleware(_PagesOnly, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(_PagesOnly, messages.MessageMiddleware):
    pass


class HtmxMiddleware(_PagesOnly, htmx.HtmxMiddleware):
    pass


class AxesMiddleware(_PagesOnly, axes.AxesMiddleware):  # type: ignore[misc]  # axes ships no types
    pass
