"""What happened to each field of an output: whether it stood or was asked for, why, and what reviewers said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from escalation.models import Outcome, Output, Route
from escalation.policies.spec import PolicySpec
from escalation.routing import decide


@dataclass(frozen=True, slots=True)
class FieldDetail:
    """One field, by its JSON Pointer.

    `confidence`: None if the model said nothing of it. `threshold`: None where the output was decided as a whole, or
    nothing lets the field stand. `reviewed`: a person was asked for it. `wrong`: by the first answers; None if nobody
    judged it.
    """

    field: str
    confidence: float | None
    threshold: float | None
    reviewed: bool
    reason: str
    wrong: bool | None


def list_field_details(
    output: Output, route: Route, outcome: Outcome | None, *, policy: PolicySpec, order: Sequence[str]
) -> list[FieldDetail]:
    """The fields of a routed output in this order, those that were asked for first."""
    confidences: dict[str, float | None] = output.field_confidences or {}
    thresholds = decide.resolve_field_thresholds(policy, order, segment=output.segment or {})
    errors: dict[str, bool] = (outcome.part_errors if outcome else None) or {}
    found = []
    for field in order:
        confidence = confidences.get(field)
        threshold = thresholds[field] if route.parts is not None and math.isfinite(thresholds[field]) else None
        reviewed, reason = _explain(field, confidence, threshold, route)
        found.append(FieldDetail(field, confidence, threshold, reviewed, reason, errors.get(field)))
    return sorted(found, key=lambda one: not one.reviewed)


def _explain(field: str, confidence: float | None, threshold: float | None, route: Route) -> tuple[bool, str]:
    """Whether a person was asked for a field, and why or why not."""
    if route.parts is None:
        whole = not route.released or bool(route.audit)
        return whole, _("asked with the whole answer") if whole else _("stood with the whole answer")
    if field not in route.parts["asked"]:
        drawn = field in route.parts["audited"]
        return drawn, _("random audit") if drawn else _("stood")
    if confidence is None:
        return True, _("no confidence")
    if threshold is None or confidence < threshold:
        return True, _("below its threshold")
    return True, _("asked with the whole answer")
