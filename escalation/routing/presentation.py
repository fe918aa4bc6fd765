"""In which order reviewers get outputs, and which of them they answer before the model's answer is shown. Pure."""

from __future__ import annotations

import numpy as np

from escalation.policies.spec import PolicySpec
from escalation.routing import decide
from escalation.routing.decide import Bools, Floats, OutputColumns, RouteColumns

RANK_TIME_CONSTANT_SECONDS = 4 * 3600.0  # tau: a deadline this much earlier counts as much as e times the value
ASSUMED_DEADLINE_SECONDS = 7 * 24 * 3600.0  # after receipt, for outputs without a deadline
MIN_ERROR_PROBABILITY = 0.01  # even a fully confident model is sometimes wrong; also keeps ln(value) finite


def choose_answer_first(
    policy: PolicySpec, routes: RouteColumns, *, u: Floats, v: Floats, p: float, share: float
) -> Bools:
    """(n,) whether the reviewer answers before seeing the model's answer.

    True for everything drawn for certification (u < p, on either side of a threshold), and for a random share of the
    other ordinary items, drawn by the independent number v, so that a hidden answer does not reveal an audit. Outputs
    with m fields of which each can be drawn are audits that much more often, and so is the share.
    """
    if policy.answer_first:
        return np.ones(len(u), bool)
    ordinary = ~routes.eligible & (v < decide.compute_draw_probabilities(routes.field_counts, share))
    return decide.find_drawn(routes.parts, u=u, p=p) | ordinary


def rank_outputs(policy: PolicySpec, outputs: OutputColumns, *, due: Floats, blind: Bools) -> Floats:
    """(n,) the queue order, lowest first: due / tau - ln(value).

    due: (n,) seconds since the epoch. value: the expected cost that a review saves, (1 - confidence) x cost of an
    error, in the policy's currency: the mean cost of the errors of its class, plus its own value times the policy's
    `value_factor`. The current time cancels out between two items, so ranks never need an update.
    blind: (n,) answered before the model's answer is shown. These have a lane of their own and are ordered by due time
    alone: by value, audits would come last, because their confidence is higher.
    """
    delta = np.maximum(1.0 - np.nan_to_num(outputs.confidence, nan=0.0), MIN_ERROR_PROBABILITY)
    cost = np.fromiter((policy.costs.expected_error_cost(label) for label in outputs.predicted), float, len(outputs))
    # A value can be missing (NaN) or negative; neither adds anything.
    cost += policy.costs.value_cost(1.0) * np.fmax(outputs.value, 0.0)
    rank: Floats = due / RANK_TIME_CONSTANT_SECONDS - np.where(blind, 0.0, np.log(delta * cost))
    return rank
