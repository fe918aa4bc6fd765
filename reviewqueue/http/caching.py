"""Keeps private answers out of caches and off the disk of a shared computer."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class NoStoreMiddleware:
    """Mark every answer `no-store`, except static files and those of `settings.CACHEABLE_ROUTES`.

    So a new page is private by default.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(settings.STATIC_URL):
            return response
        route = request.resolver_match.url_name if request.resolver_match else None
        if route not in settings.CACHEABLE_ROUTES and "no-store" not in response.get("Cache-Control", ""):
            response["Cache-Control"] = "no-store"
        return response
