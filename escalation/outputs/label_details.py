"""What the model decided about each label of an output's set, and what reviewers said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from escalation.models import Outcome, Output
from escalation.routing.decide import LabelDecisions


@dataclass(frozen=True, slots=True)
class LabelDetail:
    """One label. `given`: the model predicted it.

    `confidence`: in that decision; None if the model neither predicted nor scored it. `threshold`: the policy's own for
    this label. `verdict`: by the first answers; None if nobody judged it.
    """

    label: str
    given: bool
    confidence: float | None
    threshold: float | None
    verdict: Literal["right", "missed", "invented"] | None


def list_label_details(
    output: Output, outcome: Outcome | None, *, thresholds: Mapping[str, float], order: Sequence[str]
) -> list[LabelDetail]:
    """The labels in this order, the predicted ones first, without those of which nobody said anything.

    Reviewers who judged a set judged every label; of these, only the wrong ones are listed if the model did not give
    or score them.
    """
    decisions = msgspec.convert(output.label_decisions, LabelDecisions)
    errors: dict[str, bool] = (outcome.part_errors if outcome else None) or {}
    found = []
    for label in order:
        given = label in decisions.predicted
        confidence = decisions.confidences.get(label, output.confidence if given else None)
        if given or confidence is not None or errors.get(label):
            verdict = _describe_verdict(errors.get(label), given)
            found.append(LabelDetail(label, given, confidence, thresholds.get(label), verdict))
    return sorted(found, key=lambda one: not one.given)


def _describe_verdict(wrong: bool | None, given: bool) -> Literal["right", "missed", "invented"] | None:
    if wrong is None:
        return None
    return ("invented" if given else "missed") if wrong else "right"
