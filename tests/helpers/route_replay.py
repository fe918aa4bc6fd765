"""Repeat stored routing decisions from what is stored about them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from escalation.models import Output, Policy, Route
from escalation.policies import versions
from escalation.routing import decide


def replay_routes(of: Iterable[Route]) -> list[tuple[Any, ...]]:
    """Decide again from the stored u, p and policy; routes that no policy decided are not replayed."""
    decided = []
    for route in of:
        output = Output.objects.select_related("stream").get(pk=route.output_id)
        assert route.policy_id is not None, "no policy decided this one"
        spec = versions.spec_of(Policy.objects.get(pk=route.policy_id))
        stream, fields = output.stream, output.field_confidences
        numbers = fields and decide.draw_field_numbers(bytes(stream.secret), stream.slug, output.external_id, fields)
        column = decide.OutputColumns(
            np.array([np.nan if output.confidence is None else output.confidence]),
            [output.predicted],
            np.array([np.nan if output.value is None else output.value]),
            [output.segment or {}],
            [output.model_version],
            [output.label_decisions and msgspec.convert(output.label_decisions, decide.LabelDecisions)],
            np.array([output.invalid_prediction]),
            [fields],
            [numbers],
        )
        again = decide.decide_routes(spec, column, u=np.array([route.u]), p=route.p)
        released = bool(again.released[0])
        kind = "auto" if released else "review"
        parts = again.parts[0] and msgspec.to_builtins(again.parts[0])
        decided.append((kind, again.reason[0], bool(again.eligible[0]), released, float(again.pi[0]), parts))
    return decided


def read_stored_decisions(of: Iterable[Route]) -> list[tuple[Any, ...]]:
    return [(route.kind, route.reason, route.eligible, route.released, route.pi, route.parts) for route in of]
