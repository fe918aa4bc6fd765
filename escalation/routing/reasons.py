"""Routing reasons as messages for reviewers and managers. Reviewers' placeholders are filled in their own locale."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

AUDIT = "audit"  # the stored reason of an eligible output that was drawn

_REVIEWER_MESSAGES = {
    "no_confidence": gettext_noop("The AI reported no confidence."),
    "no_policy": gettext_noop("This stream has no policy yet, so every output is reviewed."),
    "unknown_model_version": gettext_noop("This model version is not trusted in this stream yet."),
    "stopped": gettext_noop("This stream is stopped, so every output is reviewed."),
    "dispatch_failed": gettext_noop("The system could not route this output."),
}


def explain_to_reviewer(
    reason: str, *, confidence: float | None, threshold: float | None, blind: bool
) -> dict[str, Any]:
    """The message for the desk: `{"message", "params"}`. It never reveals whether an item is an audit.

    If the reviewer answers before seeing the AI's answer (`blind`), audits and ordinary items get the same message.
    """
    if reason.startswith("rule:"):
        return {
            "message": gettext_noop("A rule requires review: %(rule)s."),
            "params": {"rule": reason.removeprefix("rule:")},
        }
    if reason == "below_threshold" and threshold is not None and not blind:
        return {
            "message": gettext_noop(
                "Confidence is %(confidence)s; this stream sends outputs below %(threshold)s to review."
            ),
            "params": {"confidence": confidence, "threshold": threshold},
        }
    if reason in _REVIEWER_MESSAGES:
        return {"message": _REVIEWER_MESSAGES[reason], "params": {}}
    return {
        "message": gettext_noop("Confidence is %(confidence)s."),
        "params": {"confidence": confidence},
    }


def reason_for_producers(reason: str, *, released: bool) -> str:
    """The reason code in everything that producers read: it never says that an output is an audit.

    Of a released audit they read the same as of any other automated output. A held one waits although its confidence
    suffices, which they can see for themselves, so its code says just that a person reviews it.
    """
    if reason != AUDIT:
        return reason
    return "above_threshold" if released else "review"


def describe_reason(reason: str) -> str:
    """The route's reason for managers; an unknown reason is returned as it is."""
    if reason.startswith("rule:"):
        return _("matched the rule “%(name)s”") % {"name": reason.removeprefix("rule:")}
    return {
        "above_threshold": _("confidence reached the threshold"),
        "below_threshold": _("confidence below the threshold"),
        AUDIT: _("drawn for a random audit"),
        "review": _("the policy has it reviewed"),
        "no_confidence": _("no confidence reported"),
        "no_policy": _("the stream had no policy"),
        "unknown_model_version": _("untrusted model version"),
        "stopped": _("the stream was stopped"),
        "dispatch_failed": _("routing failed three times"),
    }.get(reason, reason)
