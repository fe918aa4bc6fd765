"""What is wrong with a structured answer, in plain words, at the place where it can be mended. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jsonschema

_TYPES = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "yes or no",
    "array": "a list",
    "object": "an object",
    "null": "empty",
}
_SENTENCES = {
    "enum": "This is none of the possible values.",
    "const": "This is not the only possible value.",
    "minimum": "This must be at least {}.",
    "maximum": "This must be at most {}.",
    "exclusiveMinimum": "This must be more than {}.",
    "exclusiveMaximum": "This must be less than {}.",
    "multipleOf": "This must be a multiple of {}.",
    "minLength": "This must have at least {} characters.",
    "maxLength": "This must have at most {} characters.",
    "pattern": "This is not written in the way that is asked for.",
    "minItems": "There must be at least {}.",
    "maxItems": "There must be at most {}.",
    "uniqueItems": "The same is there twice.",
    "anyOf": "This has none of the shapes that it may have.",
    "oneOf": "This has none of the shapes that it may have, or several.",
}


def told(failure: jsonschema.ValidationError, below: str) -> list[dict[str, str]]:
    """A failed check as `{"pointer", "detail"}`; for what is missing or too much, the pointer is that of the member."""
    rule, limit, found = str(failure.validator), _any(failure.validator_value), _any(failure.instance)
    at = below + pointer(failure.absolute_path)
    if rule == "required":
        # One failure for each member that is missing, which only its message names.
        missing = [name for name in limit if name not in found and failure.message.startswith(repr(name))]
        return [_told(at + pointer([name]), "It is missing.") for name in missing]
    if rule == "additionalProperties" and limit is False and "patternProperties" not in _any(failure.schema):
        known = _any(failure.schema).get("properties", {})
        return [_told(at + pointer([name]), "The form has no such field.") for name in found if name not in known]
    if rule == "type":
        wanted = [_TYPES.get(name, str(name)) for name in ([limit] if isinstance(limit, str) else limit)]
        return [_told(at, f"This must be {' or '.join(wanted)}.")]
    return [_told(at, _SENTENCES[rule].format(limit) if rule in _SENTENCES else failure.message)]


def pointer(path: Iterable[Any]) -> str:
    """The JSON Pointer of a path of members and places."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _told(at: str, detail: str) -> dict[str, str]:
    return {"pointer": at, "detail": detail}


def _any(value: Any) -> Any:
    """A failure's parts may be unset while it is made; those of a finished one are what the check was about."""
    return value
