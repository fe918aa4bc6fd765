"""In which order reviewers get outputs, and which they answer before they see the model's answer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.policies.spec import PolicySpec, dump_spec, parse_spec
from escalation.routing import decide, presentation
from tests.escalation.routing.test_decide import is_drawn
from tests.helpers import routing_strategies


@given(
    spec=routing_strategies.generate_policies(),
    batch=routing_strategies.generate_outputs(),
    p=st.sampled_from([0.0, 0.2, 1.0]),
    share=st.sampled_from([0, 0.5]),
)
def test_sampled_outputs_and_a_share_of_the_others_are_answered_first(
    spec: PolicySpec, batch: routing_strategies.OutputBatch, p: float, share: float
) -> None:
    routes = decide.decide_routes(spec, batch.outputs, u=batch.u, p=p)
    first = presentation.choose_answer_first(spec, routes, u=batch.u, v=batch.v, p=p, share=share)
    for row in range(len(batch.outputs)):
        number = routing_strategies.FIELDS if routes.parts[row] is not None else [""]
        ordinary = not routes.eligible[row] and batch.v[row] < 1 - (1 - share) ** len(number)
        drawn = is_drawn(dump_spec(spec), batch.outputs, row, u=float(batch.u[row]), p=p)
        assert first[row] == (spec.answer_first or drawn or ordinary)
        assert first[row] or not routes.audited[row]


def test_the_value_enters_the_rank_by_the_policys_factor() -> None:
    spec = parse_spec({"threshold": 0.9, "costs": {"error": 5, "value_factor": 0.1}})
    columns = decide.OutputColumns(
        np.full(4, 0.5), ["refund"] * 4, np.array([1_000.0, 0.0, math.nan, -1_000.0]), [{}] * 4, [""] * 4
    )
    ranks = presentation.rank_outputs(spec, columns, due=np.zeros(4), blind=np.zeros(4, bool))
    assert ranks[1] - ranks[0] == pytest.approx(math.log((5 + 100) / 5))
    assert ranks[1] == ranks[2] == ranks[3]


def test_nearer_deadlines_and_higher_expected_costs_come_first() -> None:
    spec = parse_spec({"threshold": 0.9, "costs": {"error": 5}})
    columns = decide.OutputColumns(
        np.array([0.5, 0.5, 0.1, math.nan, 1.0]), ["refund"] * 5, np.full(5, math.nan), [{}] * 5, [""] * 5
    )
    hour = 3600.0
    ranks = presentation.rank_outputs(
        spec, columns, due=np.array([0.0, 4 * hour, 0.0, 0.0, 0.0]), blind=np.zeros(5, bool)
    )
    assert ranks[1] - ranks[0] == pytest.approx(1.0)  # tau later is one step
    assert ranks[2] < ranks[0]  # lower confidence, so an error is likelier
    assert ranks[3] < ranks[2]  # no confidence counts as the lowest
    assert np.all(np.isfinite(ranks))
    assert ranks[4] - ranks[0] == pytest.approx(math.log(0.5 / presentation.MIN_ERROR_PROBABILITY))
