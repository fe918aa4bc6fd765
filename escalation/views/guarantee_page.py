"""What the guarantee page shows of a stream: the guarantee now, what is missing for more, and what ends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from escalation.guarantees import describe, detection, group_results, guarantees, progress, summary
from escalation.guarantees.progress import EvidenceProgress
from escalation.guarantees.summary import GuaranteeSummary
from escalation.models import ErrorTarget, Evaluation, Stream
from escalation.policies import versions
from escalation.policies.versions import ActivePolicy
from escalation.test_items import recall
from escalation.views.populations import PopulationChoice

MAX_LISTED_EVALUATIONS = 10


@dataclass(frozen=True, slots=True)
class EarnedThresholds:
    """Thresholds that an evaluation certified and that are not in effect; nobody has proposed them yet.

    threshold, automation_rate: of everything together; None if each group has its own. groups: how many have one.
    """

    evaluation: Evaluation
    threshold: float | None
    automation_rate: float | None
    groups: int


def build_guarantee_context(stream: Stream, choice: PopulationChoice, target: ErrorTarget | None) -> dict[str, Any]:
    """Everything but the progress of the evidence, which takes longer with much traffic."""
    current = versions.find_active_policy(stream)
    latest = summary.build_guarantee_summary(stream)
    return {
        "populations": choice,
        "population_query": f"?population={choice.other.key}" if choice.other else "",
        "target": target,
        "summary": latest,
        "covers_chosen": latest is None or choice.chosen in {None, latest.population},
        **_describe_groups(latest),
        "on_end": current.spec.guarantee.on_expiry if current else "all_to_people",
        "drift": detection.build_detection_outlook(latest.guarantee) if latest and latest.guarantee.holds else None,
        "tests": recall.count_test_items(stream, target=target),
        "earned": _find_earned(stream, current),
        "evaluations": _list_evaluations(stream),
    }


def _describe_groups(latest: GuaranteeSummary | None) -> dict[str, str]:
    if latest is None:
        return {}
    target = latest.guarantee.evaluation.target
    return {
        "group_heading": describe.describe_group_heading(target.groups, target.segment_key),
        "group_name": describe.describe_group(target.groups, target.segment_key),
    }


def measure_progress(stream: Stream, choice: PopulationChoice, shown: Mapping[str, Any]) -> EvidenceProgress:
    """How far the evidence for the chosen population is; `shown` is `build_guarantee_context`."""
    latest, earned = shown["summary"], shown["earned"]
    in_force = latest and latest.guarantee.holds and latest.population == choice.chosen
    known = [latest.threshold if in_force else None, earned.threshold if earned else None]
    above = min((threshold for threshold in known if threshold is not None), default=None)
    return progress.measure_progress(stream, covered=choice.other, above=above)


def _find_earned(stream: Stream, current: ActivePolicy | None) -> EarnedThresholds | None:
    evaluation = guarantees.find_earned_evaluations([stream], {stream.pk: current}).get(stream.pk) if current else None
    if evaluation is None:
        return None
    certified = [group for group in group_results.parse_group_results(evaluation) if group.threshold is not None]
    together = certified[0] if evaluation.target.groups == ErrorTarget.Grouping.TOGETHER else None
    return EarnedThresholds(
        evaluation,
        threshold=together.threshold if together else None,
        automation_rate=together.coverage if together else None,
        groups=len(certified),
    )


def _list_evaluations(stream: Stream) -> list[dict[str, Any]]:
    """The latest evaluations with what each one found, newest first."""
    rows = Evaluation.objects.filter(stream=stream).select_related("target").order_by("-pk")[:MAX_LISTED_EVALUATIONS]
    listed = []
    for evaluation in rows:
        certified = [group for group in group_results.parse_group_results(evaluation) if group.threshold is not None]
        together = evaluation.target.groups == ErrorTarget.Grouping.TOGETHER
        listed.append({"evaluation": evaluation, "certified": certified, "together": together})
    return listed
