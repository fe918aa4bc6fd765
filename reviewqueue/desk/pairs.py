"""Which answer stands for which candidate, so that the number beside a candidate is the key for it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

# The words that name the first candidate, the second and so on, in an answer such as `first` or `response_a_wins`.
_PLACE_WORDS: Sequence[frozenset[str]] = [
    frozenset(
        {"1", "a", "first", "one", "left", "erste", "links", "premier", "première", "gauche", "primero", "primo"}
    ),
    frozenset({"2", "b", "second", "two", "right", "zweite", "rechts", "deuxième", "droite", "segundo"}),
    frozenset({"3", "c", "third", "three", "dritte", "troisième", "tercero"}),
    frozenset({"4", "d", "fourth", "four", "vierte", "quatrième", "cuarto"}),
    frozenset({"5", "e", "fifth", "five"}),
]
# Words of answers that stand for no single candidate, such as `a_tie`.
_TIE_WORDS = frozenset(
    {"all", "both", "draw", "either", "equal", "equally", "neither", "no", "none", "not", "same", "tie", "tied"}
    | {"gleich", "gleichstand", "igual", "keine", "égal", "ähnlich"}
)
_WORDS = re.compile(r"[^\W\d_]+|\d+")
_OTHER_KEYS = "0123456789"


def assign_pair_shortcuts(labels: Sequence[str], names: Sequence[str]) -> list[str]:
    """A key for each answer: a candidate's own number for the answer that stands for it, whatever their order.

    `names` are the candidates' names, "" for one without. Every other answer has 0, or a digit that no candidate has:
    the number beside a candidate never records an answer that stands for something else.
    """
    places = [_find_place(label, names) for label in labels]
    clear = {place for place in places if place is not None and places.count(place) == 1}
    free = iter([key for key in _OTHER_KEYS if not 1 <= int(key) <= len(names)])
    return [str(place + 1) if place in clear and place < 9 else next(free, "") for place in places]


def _find_place(label: str, names: Sequence[str]) -> int | None:
    """The index of the candidate that an answer stands for; None for a tie, or if several or none fit."""
    named = [place for place, name in enumerate(names) if name and name.strip().casefold() == label.strip().casefold()]
    if named:
        return named[0] if len(named) == 1 else None
    words = set(_WORDS.findall(label.casefold()))
    if words & _TIE_WORDS:
        return None
    found = [place for place, named_by in enumerate(_PLACE_WORDS[: len(names)]) if words & named_by]
    return found[0] if len(found) == 1 else None
