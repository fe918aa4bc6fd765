"""Localize pages: times in the reader's time zone, numbers in their format. Calendar days stay in the team's zone.

The time zone comes from the reader's preferences, otherwise from the browser, which stores it in a cookie.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import tzinfo
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils import timezone

from reviewqueue.accounts import preferences
from reviewqueue.kernel import locale_format
from reviewqueue.models import User

TIME_ZONE_COOKIE = "zone"


@contextmanager
def localize_for(request: HttpRequest, user: User) -> Iterator[None]:
    """Localize templates for this reader inside the block, and restore the defaults after it, even on an error."""
    locale = locale_format.negotiate_locale(request.headers.get("Accept-Language", ""))
    with timezone.override(_time_zone_of(request, user)), locale_format.use_locale(locale):
        yield


def _time_zone_of(request: HttpRequest, user: User) -> tzinfo:
    """The reader's time zone. The cookie is untrusted: only a known zone name is ever opened as a file."""
    for name in (preferences.get_preferences(user).time_zone, request.COOKIES.get(TIME_ZONE_COOKIE, "")):
        if name in preferences.list_time_zones():
            return ZoneInfo(name)
    return timezone.get_default_timezone()
