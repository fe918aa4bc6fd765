"""The client address of a request."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def get_client_address(request: HttpRequest) -> str:
    """The client's address as seen by the outermost of our own proxies.

    Each proxy appends the address it got the request from, so only the last `settings.PROXIES` entries can be
    trusted; a client can forge everything before them.
    """
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    if settings.PROXIES and len(hops) >= settings.PROXIES:
        return str(hops[-settings.PROXIES])
    return str(request.META.get("REMOTE_ADDR", ""))
