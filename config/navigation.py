"""The navigation bar: the links of each role, system health and the theme."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from escalation.monitoring import heartbeats
from reviewqueue.accounts import roles
from reviewqueue.models import User


@dataclass(frozen=True)
class NavigationEntry:
    """One link in the bar; `within` are the path prefixes of its pages."""

    label: str | Promise
    url_name: str
    allows: Callable[[User], bool]
    within: tuple[str, ...] = ()


ENTRIES = (
    NavigationEntry(_("Review"), "inbox", roles.may_review, ("/queues/",)),
    NavigationEntry(_("Reports"), "overview", roles.may_see_reports),
    NavigationEntry(_("Streams"), "streams", roles.may_see_reports, ("/streams/",)),
    NavigationEntry(_("Outputs"), "outputs", roles.may_see_reports, ("/outputs/",)),
    NavigationEntry(_("Activity"), "activity", roles.may_see_activity, ("/activity/",)),
    NavigationEntry(_("People"), "people", roles.may_see_people, ("/people/",)),
    NavigationEntry(_("API keys"), "keys", roles.may_see_people, ("/keys/",)),
)
THEMES = ("light", "dark")
MIN_SHOWN_LAG_SECONDS = 1.0


def build_navigation_context(request: HttpRequest) -> dict[str, Any]:
    """Context of `base.html`: `navigation` (label, url, current), `health` and the chosen `theme`."""
    theme = request.COOKIES.get("theme", "")
    return {
        "theme": theme if theme in THEMES else "",
        # Lazy, so that fragments, which do not show them, cost nothing.
        "navigation": SimpleLazyObject(lambda: _build_links(request)),
        "health": SimpleLazyObject(_describe_health),
    }


def _describe_health() -> dict[str, Any]:
    """System health in one line."""
    late = {age.sweep.name for age in heartbeats.find_late_sweeps()}
    if "worker" in late:
        return {"state": "down", "sentence": _("Worker down")}
    if late:
        return {"state": "late", "sentence": _("Background sweep late")}
    lag = heartbeats.measure_routing_lag_seconds()
    if lag >= MIN_SHOWN_LAG_SECONDS:
        return {"state": "up", "sentence": _("Healthy, routing %(seconds).0f s behind") % {"seconds": lag}}
    return {"state": "up", "sentence": _("Healthy")}


def _build_links(request: HttpRequest) -> list[dict[str, Any]]:
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return []
    allowed = [entry for entry in ENTRIES if entry.allows(user)]
    return [link for entry in allowed if (link := _build_link(entry, request.path))]


def _build_link(entry: NavigationEntry, path: str) -> dict[str, Any] | None:
    """The entry as a link, or None if its page does not exist."""
    try:
        url = reverse(entry.url_name)
    except NoReverseMatch:
        return None
    prefixes = entry.within if url == "/" else (url, *entry.within)
    return {"label": entry.label, "url": url, "current": path == url or path.startswith(prefixes)}
