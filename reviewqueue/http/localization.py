"""Whoever reads a page: their times in their zone, their numbers as they write them. Days stay the team's.

The zone is the one in their preferences, else the browser's, which a page's script keeps in a cookie.
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
    """Within it, templates write for this reader; afterwards, whatever happened, for nobody in particular again."""
    locale = locale_format.negotiate_locale(request.headers.get("Accept-Language", ""))
    with timezone.override(_time_zone_of(request, user)), locale_format.use_locale(locale):
        yield


def _time_zone_of(request: HttpRequest, user: User) -> tzinfo:
    """A name from a cookie is anybody's text: only the name of a zone that there is opens a file."""
    for name in (preferences.get_preferences(user).time_zone, request.COOKIES.get(TIME_ZONE_COOKIE, "")):
        if name in preferences.list_time_zones():
            return ZoneInfo(name)
    return timezone.get_default_timezone()
