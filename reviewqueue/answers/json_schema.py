"""What a part of a JSON schema asks for, as far as the fields of a form can show it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

type Rules = Mapping[str, Any]
# any: whatever a form has no field for, and is written as JSON. open: the schema says nothing about it.
type Kind = Literal["text", "number", "flag", "date", "choice", "group", "list", "any", "open"]

_MAX_HOPS = 8
_KINDS: dict[Any, Kind] = {
    "string": "text",
    "number": "number",
    "integer": "number",
    "boolean": "flag",
}
_SAYS = frozenset({"type", "enum", "const", "anyOf", "oneOf", "allOf", "not", "if", "$ref", "$dynamicRef"})


@dataclass(frozen=True)
class Shape:
    """A part of a schema with its references followed; `nullable` when null is a value of it, too."""

    kind: Kind
    rules: Rules
    nullable: bool = False

    @property
    def properties(self) -> Rules:
        found = self.rules.get("properties")
        return found if isinstance(found, Mapping) else {}

    @property
    def required(self) -> Sequence[str]:
        return [name for name in self.rules.get("required", ()) if isinstance(name, str)]

    @property
    def options(self) -> Sequence[Any]:
        return [option for option in self.rules.get("enum", ()) if option is not None]

    @property
    def whole(self) -> bool:
        return "integer" in _types(self.rules)


def shape(schema: Any, root: Rules) -> Shape:
    """The shape that `schema`, a part of `root`, asks for."""
    if not isinstance(schema, Mapping):
        return Shape("open", {})
    rules, nullable = _without_null(_followed(schema, root), root)
    if "enum" in rules:
        return Shape("choice", rules, nullable or None in rules["enum"])
    types = _types(rules)
    nullable = nullable or ("null" in types and len(types) > 1)
    named = [one for one in types if one != "null"]
    if not _SAYS & set(rules):
        return Shape("open", rules)
    if len(named) != 1 or _SAYS & set(rules) - {"type", "if", "not"}:
        return Shape("any", rules, nullable)
    return Shape(_kind(named[0], rules), rules, nullable)


def _kind(named: Any, rules: Rules) -> Kind:
    if named == "object":
        return "group" if isinstance(rules.get("properties"), Mapping) else "any"
    if named == "array":
        return "list" if isinstance(rules.get("items"), Mapping) and "prefixItems" not in rules else "any"
    if named == "string" and rules.get("format") == "date":
        return "date"
    return _KINDS.get(named, "any")


def _types(rules: Rules) -> list[Any]:
    types = rules.get("type", [])
    return list(types) if isinstance(types, list) else [types]


def _followed(schema: Rules, root: Rules) -> Rules:
    """The schema with its references into the same document replaced by what they point at."""
    rules = dict(schema)
    for _ in range(_MAX_HOPS):
        if not isinstance(rules.get("$ref"), str):
            break
        target = _at(root, rules["$ref"])
        if not isinstance(target, Mapping):
            break
        del rules["$ref"]
        rules = {**target, **rules}
    return rules


def _at(root: Rules, reference: str) -> Any:
    if not reference.startswith("#/"):
        return None
    node: Any = root
    for step in reference[2:].split("/"):
        node = node.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(node, Mapping) else None
    return node


def _without_null(rules: Rules, root: Rules) -> tuple[Rules, bool]:
    """One thing or null, said as a choice of two schemas, as the one thing."""
    word = "anyOf" if "anyOf" in rules else "oneOf"
    variants = rules.get(word)
    if not isinstance(variants, list) or len(variants) != 2:
        return rules, False
    others = [one for one in variants if not (isinstance(one, Mapping) and one.get("type") == "null")]
    if len(others) != 1 or not isinstance(others[0], Mapping):
        return rules, False
    outer = {name: rule for name, rule in rules.items() if name != word}
    return {**_followed(others[0], root), **outer}, True
