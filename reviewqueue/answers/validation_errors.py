"""What is wrong with a structured answer, in plain words, at the place where it can be mended. Pure."""

from __future__ import annotations

from typing import Any

import jsonschema
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reviewqueue.kernel.json_pointer import format_pointer

_TYPE_NAMES = {
    "string": gettext_lazy("a text"),
    "number": gettext_lazy("a number"),
    "integer": gettext_lazy("a whole number"),
    "boolean": gettext_lazy("yes or no"),
    "array": gettext_lazy("a list"),
    "object": gettext_lazy("an object"),
    "null": gettext_lazy("empty"),
}
_RULE_MESSAGES = {
    "enum": gettext_lazy("This is none of the possible values."),
    "const": gettext_lazy("This is not the only possible value."),
    "minimum": gettext_lazy("This must be at least %(limit)s."),
    "maximum": gettext_lazy("This must be at most %(limit)s."),
    "exclusiveMinimum": gettext_lazy("This must be more than %(limit)s."),
    "exclusiveMaximum": gettext_lazy("This must be less than %(limit)s."),
    "multipleOf": gettext_lazy("This must be a multiple of %(limit)s."),
    "minLength": gettext_lazy("This must have at least %(limit)s characters."),
    "maxLength": gettext_lazy("This must have at most %(limit)s characters."),
    "pattern": gettext_lazy("This is not written in the way that is asked for."),
    "minItems": gettext_lazy("There must be at least %(limit)s."),
    "maxItems": gettext_lazy("There must be at most %(limit)s."),
    "uniqueItems": gettext_lazy("The same is there twice."),
    "anyOf": gettext_lazy("This has none of the shapes that it may have."),
    "oneOf": gettext_lazy("This has none of the shapes that it may have, or several."),
}


def describe_failure(failure: jsonschema.ValidationError, below: str) -> list[dict[str, str]]:
    """A failed check as `{"pointer", "detail"}`; for what is missing or too much, the pointer is that of the member."""
    rule, limit, found = str(failure.validator), _as_any(failure.validator_value), _as_any(failure.instance)
    at = below + format_pointer(failure.absolute_path)
    if rule == "required":
        # One failure for each member that is missing, which only its message names.
        missing = [name for name in limit if name not in found and failure.message.startswith(repr(name))]
        return [_error_at(at + format_pointer([name]), _("It is missing.")) for name in missing]
    if rule == "additionalProperties" and limit is False and "patternProperties" not in _as_any(failure.schema):
        known = _as_any(failure.schema).get("properties", {})
        return [
            _error_at(at + format_pointer([name]), _("The form has no such field."))
            for name in found
            if name not in known
        ]
    if rule == "type":
        wanted = [str(_TYPE_NAMES.get(name, name)) for name in ([limit] if isinstance(limit, str) else limit)]
        return [_error_at(at, _("This must be %(wanted)s.") % {"wanted": _(" or ").join(wanted)})]
    return [_error_at(at, _RULE_MESSAGES[rule] % {"limit": limit} if rule in _RULE_MESSAGES else failure.message)]


def _error_at(at: str, detail: str) -> dict[str, str]:
    return {"pointer": at, "detail": detail}


def _as_any(value: Any) -> Any:
    """A failure's parts may be unset while it is made; those of a finished one are what the check was about."""
    return value
