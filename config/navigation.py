"""The navigation: what a person of each role finds in the bar, and how the page should look to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from reviewqueue.models.people import Role

_REVIEW = frozenset({Role.REVIEWER, Role.LEAD, Role.ADMIN})
_READ = frozenset({Role.LEAD, Role.MANAGER, Role.AUDITOR, Role.ADMIN})
_MANAGE = frozenset({Role.MANAGER, Role.AUDITOR, Role.ADMIN})


@dataclass(frozen=True)
class Entry:
    """One place in the bar; `within` are the path prefixes whose pages belong to it."""

    label: str | Promise
    url_name: str
    roles: frozenset[Role]
    within: tuple[str, ...] = ()


ENTRIES = (
    Entry(_("Review"), "inbox", _REVIEW, ("/queues/",)),
    Entry(_("Reports"), "overview", _READ, ("/reports/",)),
    Entry(_("Streams"), "streams", _MANAGE, ("/streams/",)),
    Entry(_("Outputs"), "outputs", _READ, ("/outputs/",)),
    Entry(_("Activity"), "activity", _MANAGE, ("/activity/",)),
    Entry(_("People"), "people", _MANAGE, ("/people/",)),
    Entry(_("Keys"), "keys", _MANAGE, ("/keys/",)),
)
THEMES = ("light", "dark")


def context(request: HttpRequest) -> dict[str, Any]:
    """What `base.html` needs on every page: `navigation` (label, url, current) and the chosen `theme`."""
    theme = request.COOKIES.get("theme", "")
    return {"navigation": _links(request), "theme": theme if theme in THEMES else ""}


def _links(request: HttpRequest) -> list[dict[str, Any]]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    visible = [entry for entry in ENTRIES if user.role in entry.roles]
    return [link for entry in visible if (link := _link(entry, request.path))]


def _link(entry: Entry, path: str) -> dict[str, Any] | None:
    """The entry as a link, or None while its page does not exist."""
    try:
        url = reverse(entry.url_name)
    except NoReverseMatch:
        return None
    prefixes = entry.within if url == "/" else (url, *entry.within)
    return {"label": entry.label, "url": url, "current": path == url or path.startswith(prefixes)}
