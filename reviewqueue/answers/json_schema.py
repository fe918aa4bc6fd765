"""The form field that fits a part of a JSON schema. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

type SchemaRules = Mapping[str, Any]
# any: no form field fits, so the value is edited as JSON. open: the schema puts no constraint on it.
type FieldKind = Literal["text", "number", "flag", "date", "choice", "group", "list", "any", "open"]

_MAX_REFERENCES = 8
_KINDS_BY_TYPE: dict[Any, FieldKind] = {
    "string": "text",
    "number": "number",
    "integer": "number",
    "boolean": "flag",
}
_CONSTRAINING_KEYWORDS = frozenset(
    {"type", "enum", "const", "anyOf", "oneOf", "allOf", "not", "if", "$ref", "$dynamicRef"}
)


@dataclass(frozen=True)
class FieldShape:
    """A part of a schema with its references resolved; `nullable` when null is also allowed."""

    kind: FieldKind
    rules: SchemaRules
    nullable: bool = False

    @property
    def properties(self) -> SchemaRules:
        found = self.rules.get("properties")
        return found if isinstance(found, Mapping) else {}

    @property
    def required(self) -> Sequence[str]:
        return [name for name in self.rules.get("required", ()) if isinstance(name, str)]

    @property
    def options(self) -> Sequence[Any]:
        return [option for option in self.rules.get("enum", ()) if option is not None]

    @property
    def is_integer(self) -> bool:
        return "integer" in _types(self.rules)


def parse_shape(schema: Any, root: SchemaRules) -> FieldShape:
    """The shape of `schema`, which is a part of `root`."""
    if not isinstance(schema, Mapping):
        return FieldShape("open", {})
    rules, nullable = _unwrap_nullable(_follow_references(schema, root), root)
    if "enum" in rules:
        return FieldShape("choice", rules, nullable or None in rules["enum"])
    types = _types(rules)
    nullable = nullable or ("null" in types and len(types) > 1)
    named = [one for one in types if one != "null"]
    if not _CONSTRAINING_KEYWORDS & set(rules):
        return FieldShape("open", rules)
    if len(named) != 1 or _CONSTRAINING_KEYWORDS & set(rules) - {"type", "if", "not"}:
        return FieldShape("any", rules, nullable)
    return FieldShape(_field_kind(named[0], rules), rules, nullable)


def _field_kind(named: Any, rules: SchemaRules) -> FieldKind:
    if named == "object":
        return "group" if isinstance(rules.get("properties"), Mapping) else "any"
    if named == "array":
        return "list" if isinstance(rules.get("items"), Mapping) and "prefixItems" not in rules else "any"
    if named == "string" and rules.get("format") == "date":
        return "date"
    return _KINDS_BY_TYPE.get(named, "any")


def _types(rules: SchemaRules) -> list[Any]:
    types = rules.get("type", [])
    return list(types) if isinstance(types, list) else [types]


def _follow_references(schema: SchemaRules, root: SchemaRules) -> SchemaRules:
    """The schema with its references into the same document resolved."""
    rules = dict(schema)
    for _ in range(_MAX_REFERENCES):
        if not isinstance(rules.get("$ref"), str):
            break
        target = _resolve_reference(root, rules["$ref"])
        if not isinstance(target, Mapping):
            break
        del rules["$ref"]
        rules = {**target, **rules}
    return rules


def _resolve_reference(root: SchemaRules, reference: str) -> Any:
    if not reference.startswith("#/"):
        return None
    node: Any = root
    for step in reference[2:].split("/"):
        node = node.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(node, Mapping) else None
    return node


def _unwrap_nullable(rules: SchemaRules, root: SchemaRules) -> tuple[SchemaRules, bool]:
    """Reduce "a schema or null", written as `anyOf` or `oneOf`, to that schema; and whether it was one."""
    keyword = "anyOf" if "anyOf" in rules else "oneOf"
    variants = rules.get(keyword)
    if not isinstance(variants, list) or len(variants) != 2:
        return rules, False
    others = [one for one in variants if not (isinstance(one, Mapping) and one.get("type") == "null")]
    if len(others) != 1 or not isinstance(others[0], Mapping):
        return rules, False
    outer = {name: rule for name, rule in rules.items() if name != keyword}
    return {**_follow_references(others[0], root), **outer}, True
