"""The results of an evaluation, one per group, as they are stored with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from escalation.models import Evaluation

# The two ways in which a result is found.
DECLARED, ANYTIME = "declared", "anytime"


@dataclass(frozen=True, slots=True)
class GroupResult:
    """The result for one group: a threshold with its counts, or the reason why there is none.

    delta: the probability that this guarantee is false. coverage: the share of the group's outputs in the window at or
    above the threshold. starts: the thresholds at which walks began, each with its share of delta. way: `declared` for
    the exact evaluation at the declared number of audits, `anytime` for the evidence so far; empty in earlier releases.
    threshold_if_none_missed: the threshold without the correction for errors that reviewers miss, for comparison only.
    """

    group: str
    delta: float
    starts: list[tuple[float, float]]
    threshold: float | None = None
    accepted: int = 0
    wrong: int = 0
    coverage: float | None = None
    refusal: str = ""
    params: Mapping[str, Any] | None = None
    way: str = ""
    threshold_if_none_missed: float | None = None


def parse_group_results(evaluation: Evaluation) -> list[GroupResult]:
    """The typed results of an evaluation."""
    return [_parse_group_result(row) for row in evaluation.groups]


def _parse_group_result(row: Mapping[str, Any]) -> GroupResult:
    # Earlier releases also stored an upper bound for this threshold by itself, which was not guaranteed.
    known = {name: value for name, value in row.items() if name != "bound"}
    return GroupResult(**{**known, "starts": [tuple(start) for start in row["starts"]]})


def list_certified_groups(groups: Sequence[GroupResult]) -> list[str]:
    """The names of the groups that have a certified threshold."""
    return [group.group for group in groups if group.threshold is not None]


def is_looser(threshold: float | None, before: float | None) -> bool:
    """Whether a result's threshold, if it has one, automates more than the one before, if there was one."""
    return threshold is not None and (before is None or threshold < before)
