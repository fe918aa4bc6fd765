"""How many requests a key, a person and an address may send; answered with 429 past that.

The headers are those of the IETF draft "RateLimit header fields for HTTP" (draft-ietf-httpapi-ratelimit-headers).
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from reviewqueue.http.client_address import get_client_address
from reviewqueue.kernel.errors import Problem
from reviewqueue.kernel.token_bucket import Taken, TokenBuckets

BURST_SECONDS = 2
BYTES_PER_TOKEN = 256 * 1024  # a request with a large body counts as several
PERSON_REQUESTS_PER_SECOND = 100
UNKNOWN_KEYS_PER_SECOND = 10


@lru_cache(maxsize=8)
def _build_buckets(name: str, per_second: int) -> TokenBuckets:
    return TokenBuckets(per_second=per_second, burst=per_second * BURST_SECONDS)


def count_key_request(request: HttpRequest, key_id: int) -> None:
    """Raises Problem 429 `rate_limited`."""
    if settings.API_KEY_REQUESTS_PER_SECOND:
        size = request.META.get("CONTENT_LENGTH") or "0"
        tokens = 1 + (int(size) // BYTES_PER_TOKEN if size.isascii() and size.isdigit() else 0)
        _take(request, "key", settings.API_KEY_REQUESTS_PER_SECOND, key_id, tokens)


def count_person_request(request: HttpRequest, user_id: int) -> None:
    """Raises Problem 429 `rate_limited`."""
    _take(request, "person", PERSON_REQUESTS_PER_SECOND, user_id)


def count_unknown_key(request: HttpRequest) -> None:
    """Each costs a query, so an address may not try many. Raises Problem 429 `rate_limited`."""
    _take(request, "address", UNKNOWN_KEYS_PER_SECOND, classify_address(get_client_address(request)))


def classify_address(address: str) -> str:
    """An IPv4 address, or the network of an IPv6 address: each subscriber has a /64 of those."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


def add_rate_headers(request: HttpRequest, response: HttpResponse) -> None:
    """Tell the client where it stands, if its request was counted."""
    counted: tuple[str, int, Taken] | None = getattr(request, "rate", None)
    if counted is not None:
        name, per_second, taken = counted
        response["RateLimit-Policy"] = f'"{name}";q={per_second * BURST_SECONDS};w={BURST_SECONDS}'
        response["RateLimit"] = f'"{name}";r={taken.remaining};t={taken.reset_seconds}'


def _take(request: HttpRequest, name: str, per_second: int, owner: object, tokens: float = 1) -> None:
    taken = _build_buckets(name, per_second).take(owner, tokens)
    request.rate = (name, per_second, taken)  # type: ignore[attr-defined]
    if not taken.allowed:
        raise Problem(
            429,
            "rate_limited",
            _("Too many requests. Wait %(seconds)s s and try again.") % {"seconds": taken.retry_seconds},
            headers={"Retry-After": str(taken.retry_seconds)},
        )
