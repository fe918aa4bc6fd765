"""Track where templates print variables, and which of many strings appeared in each of these places."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.template import Node
from django.template.base import FilterExpression, VariableNode
from django.template.context import Context
from django.template.loader import get_template
from django.templatetags.i18n import BlockTranslateNode

from reviewqueue.kernel import json_pointer
from tests.helpers import hostile_strings

TEMPLATE_FOLDER = Path(settings.BASE_DIR) / "reviewqueue" / "templates" / "reviewqueue"
# Filters for untrusted text: a place with one of them must receive every string.
UNTRUSTED_FILTERS = frozenset({"visible", "answer"})
MIN_CHARACTERS = 15  # a shorter text cannot be recognized as the beginning of a string


class TemplatePlaces:
    """The named places of some templates, and the strings that each has not printed yet."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, strings: Sequence[str], *templates: str) -> None:
        self._names = dict(_name_places(templates))
        self._missing = {place: set(strings) for place in self._names}
        self._all = len(strings)
        monkeypatch.setattr(FilterExpression, "resolve", self._watched(FilterExpression.resolve))

    def list_missed(self, room: Mapping[str, int]) -> dict[str, list[str]]:
        """The missing strings of each place for untrusted text, and of each other place that printed some strings.

        `room` limits the characters of a place; longer strings are shown elsewhere.
        """
        lacking = {
            name: [one for one in self._missing[place] if len(one) <= room.get(name, len(one))]
            for place, name in self._names.items()
            if _is_untrusted(place) or len(self._missing[place]) < self._all
        }
        return {name: strings for name, strings in lacking.items() if strings}

    def _watched(self, resolve: Any) -> Any:
        def watched(place: FilterExpression, context: Context, *options: Any, **named: Any) -> Any:
            if place in self._names and (missing := self._missing[place]):
                given = str(resolve(_without_untrusted_filters(place), context, ignore_failures=True))
                missing.difference_update([one for one in missing if _contains_string(one, given)])
            return resolve(place, context, *options, **named)

        return watched


def _name_places(templates: Sequence[str]) -> Iterator[tuple[FilterExpression, str]]:
    """Number the places where a template prints the same expression several times."""
    for path in sorted(path for pattern in templates for path in TEMPLATE_FOLDER.glob(pattern)):
        template: Any = get_template(str(path.relative_to(TEMPLATE_FOLDER.parent)))
        found = Counter[str]()
        for place in _printed_expressions(template.template.nodelist):
            found[place.token] += 1
            yield place, f"{path.name}: {place.token} ({found[place.token]})"


def _printed_expressions(nodes: Any) -> Iterator[FilterExpression]:
    for node in nodes.get_nodes_by_type(Node):
        if isinstance(node, VariableNode):
            yield node.filter_expression
        elif isinstance(node, BlockTranslateNode):
            yield from node.extra_context.values()


def _without_untrusted_filters(place: FilterExpression) -> FilterExpression:
    """The expression without the filters that make hidden characters visible."""
    bare = copy(place)
    bare.filters = [
        (function, arguments) for function, arguments in place.filters if function.__name__ not in UNTRUSTED_FILTERS
    ]
    return bare


def _is_untrusted(place: FilterExpression) -> bool:
    return not UNTRUSTED_FILTERS.isdisjoint(function.__name__ for function, _arguments in place.filters)


def _contains_string(string: str, given: str) -> bool:
    """Whether the string occurs as it is, in data, in a pointer, as bytes, or shortened."""
    if len(given) < MIN_CHARACTERS:
        return False
    return any(form in given for form in _escaped_forms(string)) or _is_start_of(
        string, given.removesuffix("…").rstrip()
    )


@lru_cache
def _escaped_forms(string: str) -> tuple[str, ...]:
    in_python = repr(f"\"'{string}")  # with both kinds of quotes, as in a list
    return (
        string,
        " ".join(string.split()),
        json.dumps(string, ensure_ascii=False)[1:-1],
        in_python[len("'\"\\'") : -1],
        json_pointer.format_pointer([string]),
        quote(json_pointer.format_pointer([string]), safe="/~"),
        hostile_strings.encode_base64(string.encode()),
    )


def _is_start_of(string: str, given: str) -> bool:
    return len(given) >= MIN_CHARACTERS and " ".join(string.split()).startswith(" ".join(given.split()))
