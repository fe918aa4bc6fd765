"""Describe what is wrong with a structured answer in plain words, with a pointer to the field to fix. Pure."""

from __future__ import annotations

from typing import Any

import jsonschema
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reviewqueue.kernel.json_pointer import format_pointer

_TYPE_NAMES = {
    "string": gettext_lazy("text"),
    "number": gettext_lazy("a number"),
    "integer": gettext_lazy("a whole number"),
    "boolean": gettext_lazy("yes or no"),
    "array": gettext_lazy("a list"),
    "object": gettext_lazy("an object"),
    "null": gettext_lazy("empty"),
}
_RULE_MESSAGES = {
    "enum": gettext_lazy("Not one of the allowed values."),
    "const": gettext_lazy("Not the allowed value."),
    "minimum": gettext_lazy("This must be at least %(limit)s."),
    "maximum": gettext_lazy("This must be at most %(limit)s."),
    "exclusiveMinimum": gettext_lazy("This must be more than %(limit)s."),
    "exclusiveMaximum": gettext_lazy("This must be less than %(limit)s."),
    "multipleOf": gettext_lazy("This must be a multiple of %(limit)s."),
    "minLength": gettext_lazy("This must have at least %(limit)s characters."),
    "maxLength": gettext_lazy("This must have at most %(limit)s characters."),
    "pattern": gettext_lazy("This does not match the required format."),
    "minItems": gettext_lazy("This must have at least %(limit)s entries."),
    "maxItems": gettext_lazy("This must have at most %(limit)s entries."),
    "uniqueItems": gettext_lazy("This must not contain duplicates."),
    "anyOf": gettext_lazy("This matches none of the allowed forms."),
    "oneOf": gettext_lazy("This must match exactly one of the allowed forms."),
}


def describe_failure(failure: jsonschema.ValidationError, below: str) -> list[dict[str, str]]:
    """A failed check as `{"pointer", "detail"}`. For a missing or unknown member, the pointer is to that member."""
    rule, limit, found = str(failure.validator), _as_any(failure.validator_value), _as_any(failure.instance)
    at = below + format_pointer(failure.absolute_path)
    if rule == "required":
        # There is one failure per missing member, and only its message names the member.
        missing = [name for name in limit if name not in found and failure.message.startswith(repr(name))]
        return [_error_at(at + format_pointer([name]), _("This field is required.")) for name in missing]
    if rule == "additionalProperties" and limit is False and "patternProperties" not in _as_any(failure.schema):
        known = _as_any(failure.schema).get("properties", {})
        return [_error_at(at + format_pointer([name]), _("Unknown field.")) for name in found if name not in known]
    if rule == "type":
        wanted = [str(_TYPE_NAMES.get(name, name)) for name in ([limit] if isinstance(limit, str) else limit)]
        return [_error_at(at, _("This must be %(wanted)s.") % {"wanted": _(" or ").join(wanted)})]
    return [_error_at(at, _RULE_MESSAGES[rule] % {"limit": limit} if rule in _RULE_MESSAGES else failure.message)]


def _error_at(at: str, detail: str) -> dict[str, str]:
    return {"pointer": at, "detail": detail}


def _as_any(value: Any) -> Any:
    """Drop the "unset" type: parts of a failure may be unset while it is built, but not once it is finished."""
    return value
