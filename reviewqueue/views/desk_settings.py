"""How the person wants their desk: a page of their own, and the switches that stand on the desk itself."""

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
    "item": gettext_lazy("The item"),
    "content": gettext_lazy("The content"),
    "page": gettext_lazy("The page"),
}


@require_http_methods(["GET", "POST"])
@require_person()
def edit_desk_settings(request: PersonRequest) -> HttpResponse:
    """The whole page is one form; what sets a key back saves what else was typed, too."""
    if request.method == "GET":
        return render(request, "reviewqueue/desk_settings.html", _build_context(request))
    try:
        _save_settings(request)
    except Invalid as refusal:
        context = _build_context(request, typed=request.POST, errors=refusal.errors)
        return render(request, "reviewqueue/desk_settings.html", context, status=refusal.status)
    messages.success(request, _("Your desk is as you want it."))
    return redirect("desk-settings")


@require_POST
@require_person()
def set_desk_switch(request: PersonRequest) -> HttpResponse:
    """One switch, from where it stands; `off` says that it is."""
    preferences.set_switch(user=request.user, name=request.POST.get("switch", ""), on="off" not in request.POST)
    return HttpResponse(status=204) if request.headers.get("HX-Request") else redirect("desk-settings")


def _save_settings(request: PersonRequest) -> None:
    sent = request.POST
    if "form" in sent:
        switches = {name: name in sent for name in preferences.SWITCH_NAMES}
        zone = sent.get("time_zone", "").strip()
        preferences.save_preferences(user=request.user, keys=_posted_shortcuts(sent), time_zone=zone, **switches)
    elif "reset" in sent:
        preferences.reset_keys(user=request.user, action=sent["reset"])


def _posted_shortcuts(sent: QueryDict) -> dict[str, str]:
    """What was typed, with the one key, or all, that is set back by the button pressed."""
    typed = {name: sent.get(f"key.{name}", "").strip() for name in keyboard.DEFAULT_KEYS if f"key.{name}" in sent}
    back = {name: key for name, key in keyboard.DEFAULT_KEYS.items() if sent.get("reset") in {"", name}}
    return typed | back


def _build_context(
    request: PersonRequest, *, typed: QueryDict | None = None, errors: Sequence[dict[str, str]] = ()
) -> dict[str, Any]:
    wishes = preferences.get_preferences(request.user)
    told = {error["pointer"]: error["detail"] for error in errors}
    keys: dict[str, str] = {name: keyboard.Keymap(wishes.keys)[name] for name in keyboard.DEFAULT_KEYS}
    if typed and "form" in typed:
        keys |= _posted_shortcuts(typed)
    return {
        "groups": [(title, _shortcut_rows(group, keys, told)) for group, title in GROUP_TITLES.items()],
        "wishes": wishes,
        "on": typed
        if typed and "form" in typed
        else {name: getattr(wishes, name) for name in preferences.SWITCH_NAMES},
        "zone": typed.get("time_zone", "") if typed else wishes.time_zone,
        "zone_error": told.get("/time_zone", ""),
        "zones": sorted(preferences.list_time_zones()),
        "wrong": len(told),
        "now": clock.current_time(),
    }


def _shortcut_rows(group: str, keys: Mapping[str, str], told: Mapping[str, str]) -> list[dict[str, Any]]:
    """The actions of a group, each with its key and what is wrong with it."""
    return [
        {"action": action, "key": keys[action.name], "error": told.get(f"/keys/{action.name}", "")}
        for action in keyboard.SHORTCUTS
        if action.group == group
    ]
