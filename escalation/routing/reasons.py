"""Why an output is where it is, as sentences for people. The placeholders are filled on screen, in their locale."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

_REVIEWER_MESSAGES = {
    "no_confidence": gettext_noop("The AI did not say how sure it was."),
    "no_policy": gettext_noop("This stream has no policy yet, so a person sees everything."),
    "unknown_model_version": gettext_noop("This version of the model has not been qualified for this stream."),
    "stopped": gettext_noop("This stream is stopped, so a person sees everything."),
    "dispatch_failed": gettext_noop("The system could not decide about this output."),
}


def explain_to_reviewer(
    reason: str, *, confidence: float | None, threshold: float | None, blind: bool
) -> dict[str, Any]:
    """What the desk shows: `{"message", "params"}`. Nothing in it tells a random check from an ordinary item.

    Where the person answers before seeing it (`blind`), checks and ordinary items read alike.
    """
    if reason.startswith("rule:"):
        return {
            "message": gettext_noop("A rule asks for a person: %(rule)s."),
            "params": {"rule": reason.removeprefix("rule:")},
        }
    if reason == "below_threshold" and threshold is not None and not blind:
        return {
            "message": gettext_noop("The AI was %(confidence)s sure; this stream asks a person below %(threshold)s."),
            "params": {"confidence": confidence, "threshold": threshold},
        }
    if reason in _REVIEWER_MESSAGES:
        return {"message": _REVIEWER_MESSAGES[reason], "params": {}}
    return {"message": gettext_noop("The AI was %(confidence)s sure."), "params": {"confidence": confidence}}


def describe_reason(reason: str) -> str:
    """The route's reason as a manager reads it."""
    if reason.startswith("rule:"):
        return _("the rule “%(name)s” asks for a person") % {"name": reason.removeprefix("rule:")}
    return {
        "above_threshold": _("the AI was sure enough"),
        "below_threshold": _("the AI was not sure enough"),
        "audit": _("drawn at random for a check"),
        "no_confidence": _("the AI did not say how sure it was"),
        "no_policy": _("the stream had no policy"),
        "unknown_model_version": _("the model version was not qualified"),
        "stopped": _("the stream was stopped"),
        "dispatch_failed": _("routing failed three times"),
    }.get(reason, reason)
