"""What is wrong with the plain data of a policy, in plain words. Pure."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from escalation.policies.spec import PolicySpec, parse_spec
from reviewqueue.kernel import validation_text
from reviewqueue.kernel.validation_text import PlainError


def explain_spec_error(error: Exception, spec: Any) -> PlainError:
    """The error of `parse_spec` as a path into the policy and a sentence."""
    # A policy is parsed under the earlier name of one of its parts, and the error names the part as it is given.
    given = spec if isinstance(spec, dict) else {}
    data = {"promise" if name == "guarantee" else name: part for name, part in given.items()} or spec
    named = Exception(str(error).replace("`$.guarantee", "`$.promise"))

    def convert(value: Any) -> object:
        return parse_spec(value)

    found = validation_text.explain_error(named, data, root=PolicySpec, convert=convert, rules=_list_rules())
    if "guarantee" not in given or "promise" in given:
        return found
    return PlainError(tuple("guarantee" if step == "promise" else step for step in found.path), found.detail)


def _list_rules() -> dict[str, str]:
    return {
        "currency": _("Write a currency as three capital letters, for example EUR."),
        "mode": _("Use hold or after."),
        "on_deadline": _("Use hold, accept or reject."),
        "on_overload": _("Use refuse or hold."),
        "on_expiry": _("Use keep, check_more or all_to_people."),
        "route": _("A rule can only send outputs to review: leave this out or write review."),
    }
