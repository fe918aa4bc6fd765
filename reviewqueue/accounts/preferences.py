"""How a person wants their desk: read for every page of theirs, saved and reset by themselves.

Nobody's work depends on it and nobody else sees it, so it leaves no event.
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
    """The person's preferences, or the ones everybody begins with; asked of the database once per `user` object."""
    try:
        return user.preferences
    except Preferences.DoesNotExist:
        return Preferences(user=user)  # which also tells `user`, so that the next to ask is answered by it


def get_keymap(user: User) -> Keymap:
    return Keymap(get_preferences(user).keys)


def save_preferences(*, user: User, keys: Mapping[str, str] | None = None, **fields: Any) -> Preferences:
    """Change what is given and leave the rest: `keys` by action, the switches, `time_zone` ("": the browser's).

    Raises Invalid with an error at `/keys/<action>` for each key that cannot be, and at `/time_zone`.
    """
    if keys is not None:
        fields["keys"] = _validate_keys(get_preferences(user), keys)
    if fields.get("time_zone") and fields["time_zone"] not in list_time_zones():
        raise Invalid(
            _("There is no such time zone."), [{"pointer": "/time_zone", "detail": _("There is no such zone.")}]
        )
    row, _created = Preferences.objects.update_or_create(user=user, defaults=fields)
    return row


def set_switch(*, user: User, name: str, on: bool) -> Preferences:
    """Turn one of SWITCHES. Raises Invalid for a name that is none of them."""
    if name not in SWITCH_NAMES:
        raise Invalid(_("There is no such switch."))
    fields: dict[str, Any] = {name: on}
    return save_preferences(user=user, **fields)


def reset_keys(*, user: User, action: str = "") -> Preferences:
    """Give one action its default key again, or all of them. Raises Invalid where another action has that key now."""
    if not action:
        return save_preferences(user=user, keys=keyboard.DEFAULT_KEYS)
    return save_preferences(
        user=user, keys={action: keyboard.DEFAULT_KEYS[action]} if action in keyboard.DEFAULT_KEYS else {}
    )


@cache
def list_time_zones() -> frozenset[str]:
    """The names of the time zones that there are."""
    return frozenset(available_timezones())


def _validate_keys(present: Preferences, keys: Mapping[str, str]) -> dict[str, str]:
    held = Keymap(present.keys)
    wanted = {name: keyboard.normalize_key(keys.get(name, held[name])) for name in keyboard.DEFAULT_KEYS}
    mistakes = keyboard.find_key_errors(wanted)
    if mistakes:
        errors = [{"pointer": f"/keys/{name}", "detail": sentence} for name, sentence in mistakes.items()]
        raise Invalid(_("Some keys cannot be used."), errors)
    return {name: key for name, key in wanted.items() if key != keyboard.DEFAULT_KEYS[name]}
