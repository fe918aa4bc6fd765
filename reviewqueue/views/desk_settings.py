"""The user's desk settings: their own page, and the switches on the desk itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from reviewqueue.accounts import keyboard, preferences
from reviewqueue.http import PersonRequest, require_person
from reviewqueue.kernel import clock
from reviewqueue.kernel.errors import Invalid

GROUP_TITLES = {
    "answers": gettext_lazy("Answers"),
    "item": gettext_lazy("Item"),
    "content": gettext_lazy("Content"),
    "page": gettext_lazy("Page"),
}


@require_http_methods(["GET", "HEAD", "POST"])
@require_person()
def edit_desk_settings(request: PersonRequest) -> HttpResponse:
    """Show and save the desk settings. The page is one form: a reset button saves the other fields too."""
    if request.method != "POST":
        return render(request, "reviewqueue/desk_settings.html", _build_context(request))
    try:
        _save_settings(request)
    except Invalid as refusal:
        context = _build_context(request, typed=request.POST, errors=refusal.errors)
        return render(request, "reviewqueue/desk_settings.html", context, status=refusal.status)
    messages.success(request, _("Desk settings saved."))
    return redirect("desk-settings")


@require_POST
@require_person()
def set_desk_switch(request: PersonRequest) -> HttpResponse:
    """Set one switch from the desk: off if the field `off` is sent."""
    preferences.set_switch(user=request.user, name=request.POST.get("switch", ""), on="off" not in request.POST)
    return HttpResponse(status=204) if request.headers.get("HX-Request") else redirect("desk-settings")


def _save_settings(request: PersonRequest) -> None:
    posted = request.POST
    if "form" in posted:
        switches = {name: name in posted for name in preferences.SWITCH_NAMES}
        zone = posted.get("time_zone", "").strip()
        preferences.save_preferences(user=request.user, keys=_posted_shortcuts(posted), time_zone=zone, **switches)
    elif "reset" in posted:
        preferences.reset_keys(user=request.user, action=posted["reset"])


def _posted_shortcuts(posted: QueryDict) -> dict[str, str]:
    """The typed shortcuts, with the one that the pressed button resets (or all) set to its default."""
    typed = {name: posted.get(f"key.{name}", "").strip() for name in keyboard.DEFAULT_KEYS if f"key.{name}" in posted}
    reset = {name: key for name, key in keyboard.DEFAULT_KEYS.items() if posted.get("reset") in {"", name}}
    return typed | reset


def _build_context(
    request: PersonRequest, *, typed: QueryDict | None = None, errors: Sequence[dict[str, str]] = ()
) -> dict[str, Any]:
    saved = preferences.get_preferences(request.user)
    errors_by_field = {error["pointer"]: error["detail"] for error in errors}
    keys: dict[str, str] = {name: keyboard.Keymap(saved.keys)[name] for name in keyboard.DEFAULT_KEYS}
    if typed and "form" in typed:
        keys |= _posted_shortcuts(typed)
    return {
        "shortcut_groups": [
            (title, _shortcut_rows(group, keys, errors_by_field)) for group, title in GROUP_TITLES.items()
        ],
        "preferences": saved,
        "switches": typed
        if typed and "form" in typed
        else {name: getattr(saved, name) for name in preferences.SWITCH_NAMES},
        "zone": typed.get("time_zone", "") if typed else saved.time_zone,
        "zone_error": errors_by_field.get("/time_zone", ""),
        "zones": sorted(preferences.list_time_zones()),
        "has_errors": bool(errors_by_field),
        "now": clock.current_time(),
    }


def _shortcut_rows(group: str, keys: Mapping[str, str], errors: Mapping[str, str]) -> list[dict[str, Any]]:
    """The actions of a group, each with its key and its error."""
    return [
        {"action": action, "key": keys[action.name], "error": errors.get(f"/keys/{action.name}", "")}
        for action in keyboard.SHORTCUTS
        if action.group == group
    ]
