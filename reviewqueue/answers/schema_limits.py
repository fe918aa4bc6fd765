"""Which JSON schemas a queue may have: those whose answers can be checked in bounded time and memory. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from urllib.parse import unquote

from django.utils.translation import gettext as _

from reviewqueue.answers import patterns
from reviewqueue.answers.patterns import UnsupportedPattern
from reviewqueue.kernel.errors import Invalid
from reviewqueue.kernel.json_pointer import format_pointer

MAX_DEPTH = 64
MAX_VALUES = 5_000
MAX_SUBSCHEMAS = 1_000  # objects; each takes half a millisecond to check when the schema is made
MAX_MEMBERS = 500  # of one object
MAX_CHARACTERS = 200_000
# Subschemas with every reference replaced by what it refers to: an answer is compared with all of them at worst.
MAX_EXPANDED = 10_000

_JSON_TYPES = (str, bool, int, float, list)
type _Path = tuple[str | int, ...]
_UNEVALUATED = frozenset({"unevaluatedProperties", "unevaluatedItems"})
_UNSUPPORTED_KEYWORDS = frozenset({"$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$anchor"})


def check_limits(schema: Mapping[str, Any]) -> None:
    """Raise Invalid, with a pointer below `/schema`, for a schema that could take too much time or memory to use."""
    _check_size(schema)
    unevaluated = [path for path, node in _iterate_nodes(schema) if _UNEVALUATED & set(node)]
    for path, node in _iterate_nodes(schema):
        _check_keywords(path, node)
        if unevaluated and "patternProperties" in node:
            raise _invalid(path, _("patternProperties cannot be combined with unevaluatedProperties."))
    _Expansion(schema).check()


def _check_size(schema: Any) -> None:
    """Level by level, so that neither depth nor width can exhaust anything before it is refused."""
    level: list[tuple[_Path, Any]] = [((), schema)]
    values = objects = characters = 0
    for _depth in range(MAX_DEPTH):
        for path, value in level:
            objects += isinstance(value, Mapping)
            characters += _count_characters(path, value)
        values += len(level)
        if values > MAX_VALUES or objects > MAX_SUBSCHEMAS or characters > MAX_CHARACTERS:
            raise _invalid(
                (),
                _("The JSON schema is too large: at most %(objects)s subschemas, %(values)s values and %(text)s KB.")
                % {"objects": MAX_SUBSCHEMAS, "values": MAX_VALUES, "text": MAX_CHARACTERS // 1000},
            )
        below = (((*path, step), part) for path, value in level for step, part in _parts(value))
        level = list(islice(below, MAX_VALUES + 1))
        if not level:
            return
    raise _invalid((), _("The JSON schema is nested more than %(most)s levels deep.") % {"most": MAX_DEPTH})


def _parts(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, Mapping):
        return iter(value.items())
    return iter(enumerate(value)) if isinstance(value, list) else iter(())


def _count_characters(path: _Path, value: Any) -> int:
    """Its own text and names; raises Invalid for what cannot be a part of any schema."""
    if isinstance(value, Mapping):
        if len(value) > MAX_MEMBERS:
            raise _invalid(
                path, _("An object of the JSON schema can have at most %(most)s members.") % {"most": MAX_MEMBERS}
            )
        if any(not isinstance(name, str) for name in value):
            raise _invalid(path, _("Every name in the JSON schema must be text. Put it in quotes."))
        return sum(len(name) for name in value)
    if value is not None and not isinstance(value, _JSON_TYPES):
        # A file can have dates and bytes.
        raise _invalid(path, _("JSON has no values like “%(value)s”. Put it in quotes.") % {"value": value})
    if isinstance(value, int) and value.bit_length() > 1024:
        raise _invalid(path, _("This number is too large."))
    if isinstance(value, float) and not math.isfinite(value):
        raise _invalid(path, _("This number is not finite."))
    return len(value) if isinstance(value, str) else 0


def _iterate_nodes(schema: Any) -> Iterator[tuple[_Path, Mapping[str, Any]]]:
    """Every object, including maps of subschemas such as `properties`."""
    waiting: list[tuple[_Path, Any]] = [((), schema)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Mapping):
            yield path, value
        waiting.extend(((*path, step), part) for step, part in _subschemas(value))


def _subschemas(value: Any) -> Iterator[tuple[str | int, Any]]:
    """Everything that might be one. Data, such as the values of `enum`, is included: never too little is found."""
    return ((step, part) for step, part in _parts(value) if isinstance(part, Mapping | list))


def _check_keywords(path: _Path, node: Mapping[str, Any]) -> None:
    for keyword in _UNSUPPORTED_KEYWORDS & set(node):
        if isinstance(node[keyword], str | bool):
            raise _invalid((*path, keyword), _("%(keyword)s is not supported.") % {"keyword": keyword})
    for keyword in ("$id", "$schema"):
        if path and isinstance(node.get(keyword), str):
            raise _invalid((*path, keyword), _("%(keyword)s is supported only at the top.") % {"keyword": keyword})
    named = node.get("patternProperties")
    for pattern in [*(named if isinstance(named, Mapping) else ()), node.get("pattern")]:
        if isinstance(pattern, str):
            try:
                patterns.compile_pattern(pattern)
            except UnsupportedPattern as error:
                raise _invalid(
                    path,
                    _("The pattern %(pattern)s cannot be used: %(reason)s.")
                    % {"pattern": error.pattern, "reason": error.reason},
                ) from error


class _Expansion:
    """How many subschemas there are once references are replaced, without replacing them."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._root = schema
        self._sizes: dict[int, int] = {}
        self._open: set[int] = set()

    def check(self) -> None:
        try:
            size = self._measure((), self._root)
        except RecursionError:
            raise _invalid((), _("The JSON schema has too long a chain of references.")) from None
        if size > MAX_EXPANDED:
            raise _invalid(
                (),
                _("With its references followed, the JSON schema has more than %(most)s subschemas. Simplify it.")
                % {"most": MAX_EXPANDED},
            )

    def _measure(self, path: _Path, node: Any) -> int:
        key = id(node)
        if key in self._open:
            raise _invalid(path, _("The JSON schema refers to itself. Write out the levels that you need."))
        if key not in self._sizes:
            self._open.add(key)
            size = 1 + sum(self._measure((*path, step), part) for step, part in _subschemas(node))
            if isinstance(node, Mapping) and isinstance(node.get("$ref"), str):
                size += self._measure((*path, "$ref"), self._resolve((*path, "$ref"), node["$ref"]))
            self._open.discard(key)
            self._sizes[key] = size
        return self._sizes[key]

    def _resolve(self, path: _Path, reference: str) -> Any:
        node: Any = self._root
        if reference != "#":
            if not reference.startswith("#/"):
                raise _invalid(path, _("A reference must point into this schema, for example #/$defs/line."))
            for step in unquote(reference[2:]).split("/"):
                node = _step_into(node, step.replace("~1", "/").replace("~0", "~"))
        if not isinstance(node, Mapping | bool):
            raise _invalid(path, _("The reference %(reference)s points to nothing.") % {"reference": reference[:200]})
        return node


def _step_into(node: Any, step: str) -> Any:
    if isinstance(node, Mapping):
        return node.get(step)
    if isinstance(node, Sequence) and not isinstance(node, str) and step.isascii() and step.isdigit():
        return node[int(step)] if len(step) < 5 and int(step) < len(node) else None
    return None


def _invalid(path: _Path, detail: str) -> Invalid:
    return Invalid(detail, [{"pointer": "/schema" + format_pointer(path), "detail": detail}])
