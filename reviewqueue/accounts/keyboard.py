"""The desk's keyboard shortcuts: defaults, and each person's own choices. Pure.

A person's choices are untrusted text that ends up in markup, so they are validated when saved and again whenever
they are read: anything but a single printable character is ignored.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reviewqueue.content import invisible

# Keys that the image viewer uses.
RESERVED_KEYS = frozenset("+-=")
LETTER_CATEGORIES, DIGIT_CATEGORIES, SIGN_CATEGORIES = "L", "N", "PS"


@dataclass(frozen=True)
class Shortcut:
    """A desk action with its default key; `group` is where it applies: answers, item, content or page."""

    name: str
    key: str
    description: str | Promise
    group: str


SHORTCUTS = (
    Shortcut("agree", "a", gettext_lazy("Agree with the AI"), "answers"),
    Shortcut("keep", "k", gettext_lazy("Keep your first answer"), "answers"),
    *(
        Shortcut(
            f"answer_{number}",
            str(number),
            format_lazy(gettext_lazy("Answer {number}"), number=number),
            "answers",
        )
        for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 0)
    ),
    Shortcut("none", "x", gettext_lazy("None of these"), "answers"),
    Shortcut("search", "/", gettext_lazy("Search answers, or find text"), "answers"),
    Shortcut("fields", "f", gettext_lazy("Show all fields, or only the uncertain ones"), "answers"),
    Shortcut("unjudgeable", "t", gettext_lazy("Can’t be judged"), "item"),  # noqa: RUF001 - an apostrophe
    Shortcut("ask", "e", gettext_lazy("Ask the lead"), "item"),
    Shortcut("pass", "s", gettext_lazy("Pass to someone else"), "item"),
    Shortcut("undo", "u", gettext_lazy("Undo your last decision"), "item"),
    Shortcut("why", "j", gettext_lazy("Why did reviewers disagree?"), "item"),
    Shortcut("mistake", "m", gettext_lazy("Error type"), "item"),
    Shortcut("extend", "r", gettext_lazy("Extend the reservation, or reserve a lost item again"), "item"),
    Shortcut("note", "n", gettext_lazy("Write a note"), "item"),
    Shortcut("zoom", "z", gettext_lazy("Enlarge the image"), "content"),
    Shortcut("blur", "b", gettext_lazy("Blur the image"), "content"),
    Shortcut("grey", "y", gettext_lazy("Show the image in greyscale"), "content"),
    Shortcut("fold", "v", gettext_lazy("Expand or collapse"), "content"),
    Shortcut("find", "q", gettext_lazy("Find text, even where / searches answers"), "content"),
    Shortcut("guidelines", "g", gettext_lazy("Guidelines"), "page"),
    Shortcut("help", "?", gettext_lazy("All keyboard shortcuts"), "page"),
)
ANSWER_SHORTCUTS = tuple(f"answer_{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9))
SHORTCUTS_BY_NAME = {action.name: action for action in SHORTCUTS}
DEFAULT_KEYS = {action.name: action.key for action in SHORTCUTS}
_NAMES_BY_DEFAULT_KEY = {action.key: action.name for action in SHORTCUTS}


@dataclass(frozen=True)
class ShortcutLine:
    """A line of the shortcut list: a description and its keys; a run is printed as its first and last key."""

    description: str | Promise
    keys: Sequence[str]
    is_run: bool = False


class Keymap:
    """A person's shortcuts: `keymap["agree"]` is the key of an action, "" where it is switched off."""

    def __init__(self, chosen: Any = None) -> None:
        self._keys = DEFAULT_KEYS | _drop_conflicts(_valid_choices(chosen))

    def __getitem__(self, action: str) -> str:
        return self._keys[action]

    def translate_defaults(self, default: str) -> str:
        """Translate space-separated default keys to the person's own: `k a` stays `k a` if they changed nothing.

        Keys that cannot be remapped, such as `enter`, stay the same.
        """
        names = ((key, _NAMES_BY_DEFAULT_KEY.get(key)) for key in default.split())
        pressed = (self._keys[name] if name else key for key, name in names)
        return " ".join(key for key in pressed if key)

    def help_lines(self) -> list[ShortcutLine]:
        """All enabled shortcuts, with the answer keys on one line, and Enter, which is always on."""
        answers = [self._keys[name] for name in ANSWER_SHORTCUTS if self._keys[name]]
        is_run = answers == [DEFAULT_KEYS[name] for name in ANSWER_SHORTCUTS]
        others = [
            ShortcutLine(action.description, [key])
            for action in SHORTCUTS
            if action.name not in ANSWER_SHORTCUTS and (key := self._keys[action.name])
        ]
        listed = [ShortcutLine(_("Another answer"), answers, is_run)] if answers else []
        return [*others[:2], *listed, ShortcutLine(_("Submit your selection or form"), ["enter"]), *others[2:]]


def normalize_key(key: str) -> str:
    """A key as compared and stored: NFC and lower case."""
    small = unicodedata.normalize("NFC", key).lower()
    return small if len(small) == 1 else unicodedata.normalize("NFC", key)


def find_key_errors(keys: Mapping[str, str]) -> dict[str, str]:
    """An error message for each action whose (normalized) key is not allowed or is used twice."""
    invalid = {name: sentence for name, key in keys.items() if key and (sentence := _key_error(key))}
    return invalid | {name: sentence for name, sentence in _find_conflicts(keys).items() if name not in invalid}


def _key_error(key: str) -> str:
    if key in RESERVED_KEYS:
        return _("This key is reserved for the image viewer.")
    if not _is_printable(key):
        return _("Use a single letter, digit or symbol.")
    return ""


def _is_printable(key: str) -> bool:
    return (
        len(key) == len(key.lower()) == 1
        and unicodedata.category(key)[0] in LETTER_CATEGORIES + DIGIT_CATEGORIES + SIGN_CATEGORIES
        and not any(piece.hidden for piece in invisible.split_into_pieces(key))
    )


def _find_conflicts(keys: Mapping[str, str]) -> dict[str, str]:
    """An error message for each action whose key another action uses too."""
    conflicts = {}
    for name, key in keys.items():
        others = [other for other, same in keys.items() if key and same == key and other != name]
        if others:
            conflicts[name] = _("Already used for “%(action)s”.") % {"action": SHORTCUTS_BY_NAME[others[0]].description}
    return conflicts


def _valid_choices(chosen: Any) -> dict[str, str]:
    """The valid entries of a stored row; every other action keeps its default."""
    if not isinstance(chosen, dict):
        return {}
    texts = {name: key for name, key in chosen.items() if name in SHORTCUTS_BY_NAME and isinstance(key, str)}
    return {name: key for name, key in texts.items() if not key or (key == normalize_key(key) and not _key_error(key))}


def _drop_conflicts(chosen: dict[str, str]) -> dict[str, str]:
    """Reset conflicting choices to their defaults until no two actions share a key."""
    while clashing := _find_conflicts(DEFAULT_KEYS | chosen).keys() & chosen.keys():
        chosen = {name: key for name, key in chosen.items() if name not in clashing}
    return chosen
