"""The data of an output's page: its route and decision and, separately, its content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from escalation.models import Decision, Outcome, Output, Payload, Policy, Route
from escalation.outputs.field_details import FieldDetail, list_field_details
from escalation.outputs.label_details import LabelDetail, list_label_details
from escalation.policies import versions
from escalation.policies.spec import PolicySpec
from reviewqueue.facade import facts, queue
from reviewqueue.facade.facts import Block


@dataclass(frozen=True, slots=True)
class OutputDetail:
    """The rows about one output, without its content. `is_open`: it is open for review now. `fields`: what happened to
    each, empty unless the answer has fields. `labels`: the decision about each, empty unless it is a set of labels.
    """

    route: Route | None
    policy: int | None
    outcome: Outcome | None
    decision: Decision | None
    fields: list[FieldDetail]
    labels: list[LabelDetail]
    is_open: bool


@dataclass(frozen=True, slots=True)
class OutputContent:
    """The content of an output; only for people who may see content."""

    blocks: list[Block]
    prediction: Any
    scores: list[tuple[str, float]]
    context: dict[str, Any]
    metadata: dict[str, Any]
    language: str


def load_output_detail(output: Output) -> OutputDetail:
    route = Route.objects.filter(output=output).first()
    policy = None
    if route is not None and route.policy_id is not None:
        policy = Policy.objects.filter(pk=route.policy_id).first()
    outcome = Outcome.objects.filter(output=output).first()
    spec = versions.spec_of(policy) if policy else PolicySpec()
    return OutputDetail(
        route=route,
        policy=policy.number if policy else None,
        outcome=outcome,
        fields=_list_fields(output, route, outcome, spec),
        labels=_list_labels(output, outcome, spec),
        decision=Decision.objects.filter(output=output).order_by("-revision").first(),
        is_open=facts.is_item_open(output.pk),
    )


def _list_fields(output: Output, route: Route | None, outcome: Outcome | None, policy: PolicySpec) -> list[FieldDetail]:
    if route is None or not output.field_confidences:
        return []
    form = queue.get_answer_spec(slug=output.stream.slug, number=output.schema_number)
    return list_field_details(output, route, outcome, policy=policy, order=[field.pointer for field in form.fields])


def _list_labels(output: Output, outcome: Outcome | None, policy: PolicySpec) -> list[LabelDetail]:
    if output.label_decisions is None:
        return []
    form = queue.get_answer_spec(slug=output.stream.slug, number=output.schema_number)
    return list_label_details(output, outcome, thresholds=policy.thresholds, order=form.answers)


def load_output_content(output: Output, display: Mapping[str, str]) -> OutputContent | None:
    """The content of an output, None if it was erased. `display`: the stream's display settings for inputs."""
    body = Payload.objects.filter(output=output).values_list("body", flat=True).first()
    if body is None:
        return None
    scores: dict[str, float] = body.get("scores") or {}
    return OutputContent(
        blocks=facts.build_content_blocks(body.get("input"), display),
        prediction=body.get("prediction"),
        scores=sorted(scores.items(), key=lambda pair: -pair[1]),
        context=body.get("context") or {},
        metadata=body.get("metadata") or {},
        language=body.get("language") or "",
    )
