"""The error range since a guarantee took effect: valid whenever it is read, and unknown in some cases."""

from __future__ import annotations

from typing import Any

import pytest

from escalation.guarantees.guarantees import Guarantee
from escalation.guarantees.summary import GuaranteeSummary
from escalation.models import ErrorTarget, Evaluation, GuaranteeWatch, Policy
from escalation.statistics import compute_confidence_sequence
from tests.helpers.traffic import NOON


def _since(
    *watched: tuple[int, int], groups: str = "together", caught: dict[str, Any] | None = None
) -> GuaranteeSummary:
    """A guarantee with this many answered audits above each group's threshold since, and this many of them wrong."""
    evaluation = Evaluation(target=ErrorTarget(max_error=0.05, delta=0.05, groups=groups), reviewer_recall=caught)
    return GuaranteeSummary(
        guarantee=Guarantee(evaluation=evaluation, version=Policy(), since=NOON, in_effect=True, end_reason=""),
        sentence="",
        certified=[],
        refused=[],
        watches=[GuaranteeWatch(audits=checked, wrong=wrong) for checked, wrong in watched],
        is_audited=True,
    )


def test_before_the_first_audit_the_range_is_unknown() -> None:
    assert _since().error_range_since is None
    assert _since((0, 0)).error_range_since is None


def test_the_range_includes_errors_that_reviewers_miss() -> None:
    found = _since((500, 4)).error_range_since
    corrected = _since((500, 4), caught={"low": 0.8}).error_range_since
    assert found
    assert corrected
    assert corrected == pytest.approx((found[0], found[1] / 0.8))
    plain = compute_confidence_sequence(500, [4], [1.0], 0.05)
    assert found == (plain.low, plain.high)


def test_the_range_never_exceeds_one() -> None:
    found = _since((3, 3), caught={"low": 0.5}).error_range_since
    assert found
    assert found[1] == 1.0


def test_there_is_no_range_for_separately_watched_groups() -> None:
    assert _since((0, 0), (500, 4), groups="classes").error_range_since is None
