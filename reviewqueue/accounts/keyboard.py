"""The desk's keys: what each action's is by default, and what it is for a person who chose others. Pure.

What people chose is text of theirs that ends up in everybody's markup if nobody looks: it is checked when it is
saved and again whenever it is read, and a row that holds anything else than single printable characters is not heeded.
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

# Keys of the picture's own, and what presses whatever has the focus.
RESERVED = frozenset("+-=")
LETTERS, DIGITS, SIGNS = "L", "N", "PS"


@dataclass(frozen=True)
class Action:
    """Something that a key of the desk does; `group` is where it applies: answers, item, content or page."""

    name: str
    key: str
    told: str | Promise
    group: str


ACTIONS = (
    Action("agree", "a", gettext_lazy("Agree with the AI"), "answers"),
    Action("keep", "k", gettext_lazy("Keep your first answer"), "answers"),
    *(
        Action(
            f"answer_{number}",
            str(number),
            format_lazy(gettext_lazy("The answer numbered {number}"), number=number),
            "answers",
        )
        for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 0)
    ),
    Action("none", "x", gettext_lazy("None of these"), "answers"),
    Action("search", "/", gettext_lazy("Find an answer, or a place in the text"), "answers"),
    Action("fields", "f", gettext_lazy("All fields, or the doubtful ones"), "answers"),
    Action("unjudgeable", "t", gettext_lazy("Can’t be judged"), "item"),  # noqa: RUF001 - an apostrophe
    Action("ask", "e", gettext_lazy("Ask the lead"), "item"),
    Action("pass", "s", gettext_lazy("Pass to someone else"), "item"),
    Action("undo", "u", gettext_lazy("Undo your last decision"), "item"),
    Action("why", "j", gettext_lazy("Why did people differ?"), "item"),
    Action("mistake", "m", gettext_lazy("Kind of mistake"), "item"),
    Action("extend", "r", gettext_lazy("Extend the reservation, or take a lost item again"), "item"),
    Action("note", "n", gettext_lazy("Write a note"), "item"),
    Action("zoom", "z", gettext_lazy("The picture larger"), "content"),
    Action("blur", "b", gettext_lazy("The picture blurred"), "content"),
    Action("grey", "y", gettext_lazy("The picture without colour"), "content"),
    Action("fold", "v", gettext_lazy("Fold or unfold"), "content"),
    Action("find", "q", gettext_lazy("Find a place in the text, beside a search of answers"), "content"),
    Action("guidelines", "g", gettext_lazy("Guidelines"), "page"),
    Action("help", "?", gettext_lazy("All keys"), "page"),
)
ANSWERS = tuple(f"answer_{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9))
BY_NAME = {action.name: action for action in ACTIONS}
DEFAULTS = {action.name: action.key for action in ACTIONS}
_BY_DEFAULT_KEY = {action.key: action.name for action in ACTIONS}


@dataclass(frozen=True)
class Line:
    """A line of the list of all keys: what they do, and the keys; a run is printed as its first and last."""

    told: str | Promise
    keys: Sequence[str]
    is_run: bool = False


class Keymap:
    """A person's keys: `keymap["agree"]` is the key of an action, "" where it is switched off."""

    def __init__(self, chosen: Any = None) -> None:
        self._keys = DEFAULTS | _without_clashes(_sound(chosen))

    def __getitem__(self, action: str) -> str:
        return self._keys[action]

    def instead(self, default: str) -> str:
        """What a person presses for these default keys, by spaces: `k a` for who changed nothing.

        Keys that are nobody's to choose, `enter` among them, stay what they are.
        """
        names = ((key, _BY_DEFAULT_KEY.get(key)) for key in default.split())
        pressed = (self._keys[name] if name else key for key, name in names)
        return " ".join(key for key in pressed if key)

    def lines(self) -> list[Line]:
        """All keys that are on, the answers' in one line, and Enter, which is always on."""
        answers = [self._keys[name] for name in ANSWERS if self._keys[name]]
        is_run = answers == [DEFAULTS[name] for name in ANSWERS]
        others = [
            Line(action.told, [key])
            for action in ACTIONS
            if action.name not in ANSWERS and (key := self._keys[action.name])
        ]
        listed = [Line(_("Another answer"), answers, is_run)] if answers else []
        return [*others[:2], *listed, Line(_("Send what you ticked or filled in"), ["enter"]), *others[2:]]

    def chosen(self) -> dict[str, str]:
        """What differs from the default: what is worth storing."""
        return {name: key for name, key in self._keys.items() if key != DEFAULTS[name]}


def folded(key: str) -> str:
    """A key as it is compared and stored: composed and without its case."""
    small = unicodedata.normalize("NFC", key).lower()
    return small if len(small) == 1 else unicodedata.normalize("NFC", key)


def mistakes(keys: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the folded keys of all actions: a sentence for each action whose key cannot be."""
    odd = {name: sentence for name, key in keys.items() if key and (sentence := _oddity(key))}
    return odd | {name: sentence for name, sentence in _clashes(keys).items() if name not in odd}


def _oddity(key: str) -> str:
    if key in RESERVED:
        return _("This key is the picture’s own.")  # noqa: RUF001 - an apostrophe
    if not _is_printable(key):
        return _("One letter, digit or sign that can be typed by itself.")
    return ""


def _is_printable(key: str) -> bool:
    return (
        len(key) == len(key.lower()) == 1
        and unicodedata.category(key)[0] in LETTERS + DIGITS + SIGNS
        and not any(piece.hidden for piece in invisible.pieces(key))
    )


def _clashes(keys: Mapping[str, str]) -> dict[str, str]:
    """The actions that share a key with another, each with whose it is too."""
    told = {}
    for name, key in keys.items():
        others = [other for other, same in keys.items() if key and same == key and other != name]
        if others:
            told[name] = _("Also the key of “%(action)s”.") % {"action": BY_NAME[others[0]].told}
    return told


def _sound(chosen: Any) -> dict[str, str]:
    """Of what a row holds, the entries that are keys of actions; any other action keeps its default."""
    if not isinstance(chosen, dict):
        return {}
    texts = {name: key for name, key in chosen.items() if name in BY_NAME and isinstance(key, str)}
    return {name: key for name, key in texts.items() if not key or (key == folded(key) and not _oddity(key))}


def _without_clashes(chosen: dict[str, str]) -> dict[str, str]:
    """Whoever's chosen key is another's goes back to the default, until no two share one."""
    while clashing := _clashes(DEFAULTS | chosen).keys() & chosen.keys():
        chosen = {name: key for name, key in chosen.items() if name not in clashing}
    return chosen
