"""The navigation bar: the links of each role, system health and the theme."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from escalation.monitoring import heartbeats
from escalation.reports import attention
from escalation.reports.attention import WaitingTask
from reviewqueue.accounts import roles
from reviewqueue.models import User


@dataclass(frozen=True)
class NavigationEntry:
    """One link in the bar; `within` are the path prefixes of its pages.

    `counts_tasks`: whether its number is that of the tasks that wait for the user.
    """

    label: str | Promise
    url_name: str
    allows: Callable[[User], bool]
    within: tuple[str, ...] = ()
    counts_tasks: bool = False


ENTRIES = (
    NavigationEntry(_("Review"), "inbox", roles.may_review, ("/queues/",)),
    NavigationEntry(_("Overview"), "overview", roles.may_see_reports, counts_tasks=True),
    NavigationEntry(_("Streams"), "streams", roles.may_see_reports, ("/streams/",)),
    NavigationEntry(_("Outputs"), "outputs", roles.may_see_reports, ("/outputs/",)),
    NavigationEntry(_("Activity"), "activity", roles.may_see_activity, ("/activity/",)),
    NavigationEntry(_("People"), "people", roles.may_see_people, ("/people/",)),
    NavigationEntry(_("API keys"), "keys", roles.may_see_people, ("/keys/",)),
)
THEMES = ("light", "dark")
MIN_SHOWN_LAG_SECONDS = 1.0


def build_navigation_context(request: HttpRequest) -> dict[str, Any]:
    """Context of `base.html`: `navigation` (label, url, current, tasks), `waiting_tasks`, `health` and the `theme`."""
    tasks = SimpleLazyObject(lambda: _list_tasks(request))
    theme = request.COOKIES.get("theme", "")
    return {
        "theme": theme if theme in THEMES else "",
        "csrf_cookie": settings.CSRF_COOKIE_NAME,
        # Lazy, so that fragments, which do not show them, cost nothing.
        "navigation": SimpleLazyObject(lambda: _build_links(request, tasks)),
        "waiting_tasks": tasks,
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


def _build_links(request: HttpRequest, tasks: Iterable[WaitingTask]) -> list[dict[str, Any]]:
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return []
    allowed = [entry for entry in ENTRIES if entry.allows(user)]
    links = [(entry, link) for entry in allowed if (link := _build_link(entry, request.path))]
    return [{**link, "tasks": sum(task.count for task in tasks) if entry.counts_tasks else 0} for entry, link in links]


def _build_link(entry: NavigationEntry, path: str) -> dict[str, Any] | None:
    """The entry as a link, or None if its page does not exist."""
    try:
        url = reverse(entry.url_name)
    except NoReverseMatch:
        return None
    prefixes = entry.within if url == "/" else (url, *entry.within)
    return {"label": entry.label, "url": url, "current": path == url or path.startswith(prefixes)}


def _list_tasks(request: HttpRequest) -> list[WaitingTask]:
    """What waits for the user: approvals, requests to resume, final says."""
    user = getattr(request, "user", None)
    return attention.list_waiting_tasks(user) if isinstance(user, User) and roles.may_see_reports(user) else []
