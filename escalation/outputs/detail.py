"""One output as its page shows it: how it was routed, what was decided, and, apart from that, what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from escalation.models import Decision, Outcome, Output, Payload, Policy, Route
from reviewqueue.facade import facts
from reviewqueue.facade.facts import Block


@dataclass(frozen=True, slots=True)
class OutputDetail:
    """The narrow rows of one output. `asked`: people are being asked about it now."""

    route: Route | None
    policy: int | None
    outcome: Outcome | None
    decision: Decision | None
    is_open: bool


@dataclass(frozen=True, slots=True)
class OutputContent:
    """What an output says; only for those who may see content."""

    blocks: list[Block]
    prediction: Any
    scores: list[tuple[str, float]]
    context: dict[str, Any]
    metadata: dict[str, Any]
    language: str


def load_output_detail(output: Output) -> OutputDetail:
    route = Route.objects.filter(output=output).first()
    number = None
    if route is not None and route.policy_id is not None:
        number = Policy.objects.filter(pk=route.policy_id).values_list("number", flat=True).first()
    return OutputDetail(
        route=route,
        policy=number,
        outcome=Outcome.objects.filter(output=output).first(),
        decision=Decision.objects.filter(output=output).order_by("-revision").first(),
        is_open=facts.is_item_open(output.pk),
    )


def load_output_content(output: Output, display: Mapping[str, str]) -> OutputContent | None:
    """None once it was erased. `display`: how the stream wants its inputs shown."""
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
