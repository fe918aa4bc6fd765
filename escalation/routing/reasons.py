"""Routing reasons as messages for reviewers and managers. Reviewers' placeholders are filled in their own locale."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

# Codes with a name after the colon: of the rule, of the label or field whose threshold was missed (a field by its JSON
# Pointer), or of the field of which the model said nothing.
RULE, UNEVALUABLE_RULE, HELD_LABEL = "rule:", "rule_unevaluable:", "below_threshold:"
UNSCORED_FIELD = "no_confidence:"
NAMED = (RULE, UNEVALUABLE_RULE, HELD_LABEL, UNSCORED_FIELD)
AUDIT = "audit"  # the stored reason of an eligible output that was drawn

_REVIEWER_MESSAGES = {
    "invalid_prediction": gettext_noop(
        "The AI's answer does not match the form of this stream, so it cannot be accepted as it is. Correct it."
    ),
    "no_confidence": gettext_noop("The AI reported no confidence."),
    "no_policy": gettext_noop("This stream has no policy yet, so every output is reviewed."),
    "unknown_model_version": gettext_noop("This model version is not trusted in this stream yet."),
    "policy_outdated": gettext_noop("This stream's answers changed and no policy covers them yet."),
    "stopped": gettext_noop("This stream is stopped, so every output is reviewed."),
    "dispatch_failed": gettext_noop("The system could not route this output."),
}


def find_held_label(reason: str) -> str:
    """The label, or field, whose threshold sent an output to review; empty if it was not one."""
    return reason.removeprefix(HELD_LABEL) if reason.startswith(HELD_LABEL) else ""


def name_part(part: str) -> str:
    """A label as it is; a field, which is a JSON Pointer, as people read it: `/address/city` is `address / city`."""
    if not part.startswith("/"):
        return part
    return " / ".join(step.replace("~1", "/").replace("~0", "~") for step in part.split("/")[1:])


def explain_to_reviewer(
    reason: str, *, confidence: float | None, threshold: float | None, blind: bool, left_out: bool = False
) -> dict[str, Any]:
    """The message for the desk: `{"message", "params"}`. It never reveals whether an item is an audit.

    If the reviewer answers before seeing the AI's answer (`blind`), audits and ordinary items get the same message.
    confidence, threshold: of the label or field that was held, or else of the whole output. left_out: the AI did not
    predict that label.
    """
    if reason.startswith(RULE):
        return {
            "message": gettext_noop("A rule requires review: %(rule)s."),
            "params": {"rule": reason.removeprefix(RULE)},
        }
    if reason.startswith(UNEVALUABLE_RULE):
        return {
            "message": gettext_noop("A rule could not be evaluated because a value it needs is missing: %(rule)s."),
            "params": {"rule": reason.removeprefix(UNEVALUABLE_RULE)},
        }
    if reason.startswith(UNSCORED_FIELD) and not blind:
        return {
            "message": gettext_noop("The AI reported no confidence in “%(field)s”."),
            "params": {"field": name_part(reason.removeprefix(UNSCORED_FIELD))},
        }
    label = find_held_label(reason)
    if label and threshold is not None and confidence is not None and not blind:
        message = (
            gettext_noop(
                "Confidence that “%(label)s” does not apply is %(confidence)s; this stream sends outputs below "
                "%(threshold)s to review."
            )
            if left_out
            else gettext_noop(
                "Confidence in “%(label)s” is %(confidence)s; this stream sends outputs below %(threshold)s to review."
            )
        )
        return {
            "message": message,
            "params": {"label": name_part(label), "confidence": confidence, "threshold": threshold},
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
    if reason.startswith(RULE):
        return _("matched the rule “%(name)s”") % {"name": reason.removeprefix(RULE)}
    if reason.startswith(UNEVALUABLE_RULE):
        name = reason.removeprefix(UNEVALUABLE_RULE)
        return _("a value that the rule “%(name)s” needs is missing") % {"name": name}
    if label := find_held_label(reason):
        return _("confidence about “%(label)s” below its threshold") % {"label": name_part(label)}
    if reason.startswith(UNSCORED_FIELD):
        return _("no confidence reported for “%(field)s”") % {"field": name_part(reason.removeprefix(UNSCORED_FIELD))}
    return {
        "above_threshold": _("confidence reached the threshold"),
        "below_threshold": _("confidence below the threshold"),
        AUDIT: _("drawn for a random audit"),
        "review": _("the policy has it reviewed"),
        "invalid_prediction": _("the prediction does not match the stream’s schema"),  # noqa: RUF001 - an apostrophe
        "no_confidence": _("no confidence reported"),
        "no_policy": _("the stream had no policy"),
        "unknown_model_version": _("untrusted model version"),
        "policy_outdated": _("no approved policy for the changed answers"),
        "stopped": _("the stream was stopped"),
        "dispatch_failed": _("routing failed three times"),
    }.get(reason, reason)
