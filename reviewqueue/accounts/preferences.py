"""A person's desk preferences: read on each of their pages, saved and reset by the person themselves.

They affect nobody else, so changes are not recorded as events.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django.utils.translation import gettext as _

from reviewqueue.accounts import keyboard
from reviewqueue.accounts.keyboard import Keymap
from reviewqueue.kernel.errors import Invalid
from reviewqueue.models import Preferences, User

SWITCH_NAMES = ("single_keys", "break_nudge", "blur_images", "grey_images")


def get_preferences(user: User) -> Preferences:
    """The person's preferences, or the defaults; one query per `user` object."""
    try:
        return user.preferences
    except Preferences.DoesNotExist:
        return Preferences(user=user)  # also cached on `user`, so the next call needs no query


def get_keymap(user: User) -> Keymap:
    return Keymap(get_preferences(user).keys)


def save_preferences(*, user: User, keys: Mapping[str, str] | None = None, **fields: Any) -> Preferences:
    """Change the given preferences and leave the rest: `keys` by action, switches, `time_zone` ("": the browser's).

    Raises Invalid with an error at `/keys/<action>` for each key that is not allowed, or at `/time_zone`.
    """
    if keys is not None:
        fields["keys"] = _validate_keys(get_preferences(user), keys)
    if fields.get("time_zone") and fields["time_zone"] not in list_time_zones():
        raise Invalid(_("Unknown time zone."), [{"pointer": "/time_zone", "detail": _("Unknown time zone.")}])
    row, _created = Preferences.objects.update_or_create(user=user, defaults=fields)
    return row


def set_switch(*, user: User, name: str, on: bool) -> Preferences:
    """Turn one of `SWITCH_NAMES` on or off. Raises Invalid for any other name."""
    if name not in SWITCH_NAMES:
        raise Invalid(_("Unknown preference."))
    fields: dict[str, Any] = {name: on}
    return save_preferences(user=user, **fields)


def reset_keys(*, user: User, action: str = "") -> Preferences:
    """Reset one action, or all of them, to the default key. Raises Invalid when another action uses that key now."""
    if not action:
        return save_preferences(user=user, keys=keyboard.DEFAULT_KEYS)
    return save_preferences(
        user=user, keys={action: keyboard.DEFAULT_KEYS[action]} if action in keyboard.DEFAULT_KEYS else {}
    )


@cache
def list_time_zones() -> frozenset[str]:
    """The names of all known time zones."""
    return frozenset(available_timezones())


def _validate_keys(present: Preferences, keys: Mapping[str, str]) -> dict[str, str]:
    current = Keymap(present.keys)
    wanted = {name: keyboard.normalize_key(keys.get(name, current[name])) for name in keyboard.DEFAULT_KEYS}
    messages = keyboard.find_key_errors(wanted)
    if messages:
        errors = [{"pointer": f"/keys/{name}", "detail": message} for name, message in messages.items()]
        raise Invalid(_("Some keyboard shortcuts cannot be used."), errors)
    return {name: key for name, key in wanted.items() if key != keyboard.DEFAULT_KEYS[name]}
