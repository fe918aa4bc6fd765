"""A structured answer as the fields of a form, from its JSON schema. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext as _

from . import wording
from .claimed import Claim

DOUBTFUL = 0.8  # a field that the AI was less sure of than this is pointed out


@dataclass(frozen=True)
class Field:
    """One part of a structured answer."""

    name: str
    label: str
    kind: Literal["line", "long", "number", "choice"]
    value: str
    options: Sequence[tuple[str, str]] = ()
    hint: str = ""
    doubt: float | None = None
    code: bool = False

    @property
    def id(self) -> str:
        return "field-" + "-".join(self.name.split())


def of(claim: Claim, start: Any) -> list[Field]:
    """A field for each property of the schema, and for each part of an answer that the schema leaves open; `start`
    is what they hold at first."""
    values: Mapping[str, Any] = start if isinstance(start, Mapping) else {}
    schema = claim.item.schema or {}
    properties: Mapping[str, Any] = schema.get("properties") or {}
    if not properties and not values:
        return [Field("whole", _("Answer"), "long", "", hint=_("A JSON object"), code=True)]
    hints = claim.item.field_hints or {}
    # The database keeps no order of keys; what is required keeps its own, and comes first.
    names = list(dict.fromkeys([*schema.get("required", []), *properties, *values]))
    return [_field(name, properties.get(name), values.get(name), _doubt(hints, name)) for name in names]


def _doubt(hints: Mapping[str, float], name: str) -> float | None:
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    share = hints.get(pointer)
    return share if share is not None and share < DOUBTFUL else None


def _field(name: str, schema: Any, value: Any, doubt: float | None) -> Field:
    rules: Mapping[str, Any] = schema if isinstance(schema, Mapping) else {}
    label, hint = str(rules.get("title") or wording.answer(name)), str(rules.get("description") or "")
    options = rules.get("enum")
    match rules.get("type"), value:
        case "string", str() | None if isinstance(options, list) and all(isinstance(o, str) for o in options):
            pairs = [(option, wording.answer(option)) for option in options]
            return Field(f"text.{name}", label, "choice", value or "", pairs, hint, doubt)
        case "boolean", bool() | None:
            pairs = [("true", _("yes")), ("false", _("no"))]
            return Field(f"flag.{name}", label, "choice", _json(value), pairs, hint, doubt)
        case "number" | "integer", int() | float() | None:
            return Field(f"number.{name}", label, "number", _json(value), (), hint, doubt)
        case ("string", str() | None) | (None, str()):
            text = value or ""
            return Field(
                f"text.{name}",
                label,
                "long" if len(text) > 60 or "\n" in text else "line",
                text,
                (),
                hint,
                doubt,
            )
        case _:
            return Field(f"json.{name}", label, "long", _json(value), (), hint, doubt, code=True)


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, indent=2)
