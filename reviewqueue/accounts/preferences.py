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

SWITCHES = ("single_keys", "break_nudge", "blur_images", "grey_images")


def of(user: User) -> Preferences:
    """The person's preferences, or the ones everybody begins with; asked of the database once per `user` object."""
    try:
        return user.preferences
    except Preferences.DoesNotExist:
        return Preferences(user=user)  # which also tells `user`, so that the next to ask is answered by it


def keys_of(user: User) -> Keymap:
    return Keymap(of(user).keys)


def save(*, user: User, keys: Mapping[str, str] | None = None, **fields: Any) -> Preferences:
    """Change what is given and leave the rest: `keys` by action, the switches, `time_zone` ("": the browser's).

    Raises Invalid with an error at `/keys/<action>` for each key that cannot be, and at `/time_zone`.
    """
    if keys is not None:
        fields["keys"] = _stored(of(user), keys)
    if fields.get("time_zone") and fields["time_zone"] not in zones():
        raise Invalid(
            _("There is no such time zone."), [{"pointer": "/time_zone", "detail": _("There is no such zone.")}]
        )
    row, _created = Preferences.objects.update_or_create(user=user, defaults=fields)
    return row


def switch(*, user: User, name: str, on: bool) -> Preferences:
    """Turn one of SWITCHES. Raises Invalid for a name that is none of them."""
    if name not in SWITCHES:
        raise Invalid(_("There is no such switch."))
    fields: dict[str, Any] = {name: on}
    return save(user=user, **fields)


def reset(*, user: User, action: str = "") -> Preferences:
    """Give one action its default key again, or all of them. Raises Invalid where another action has that key now."""
    if not action:
        return save(user=user, keys=keyboard.DEFAULTS)
    return save(user=user, keys={action: keyboard.DEFAULTS[action]} if action in keyboard.DEFAULTS else {})


@cache
def zones() -> frozenset[str]:
    """The names of the time zones that there are."""
    return frozenset(available_timezones())


def _stored(present: Preferences, keys: Mapping[str, str]) -> dict[str, str]:
    held = Keymap(present.keys)
    wanted = {name: keyboard.folded(keys.get(name, held[name])) for name in keyboard.DEFAULTS}
    mistakes = keyboard.mistakes(wanted)
    if mistakes:
        errors = [{"pointer": f"/keys/{name}", "detail": sentence} for name, sentence in mistakes.items()]
        raise Invalid(_("Some keys cannot be used."), errors)
    return {name: key for name, key in wanted.items() if key != keyboard.DEFAULTS[name]}
