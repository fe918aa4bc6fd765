"""The error range since a guarantee took effect: valid whenever it is read, and unknown in some cases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from escalation.guarantees.group_results import GroupResult
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


def test_groups_in_trouble_come_first() -> None:
    found = replace(
        _since(groups="classes"),
        certified=[GroupResult(name, 0.01, [], threshold=0.9) for name in ("calm", "few", "worse", "alarmed")],
        refused=[(GroupResult("review", 0.01, [], refusal="too_few", params={"more": 120, "days": 3}), "")],
        watches=[
            GuaranteeWatch(group="calm", audits=200, wrong=1),
            GuaranteeWatch(group="few", audits=2, wrong=1),  # too few for a rate
            GuaranteeWatch(group="worse", audits=200, wrong=9),
            GuaranteeWatch(group="alarmed", audits=200, wrong=5, alarmed_at=NOON),
        ],
    )
    statuses = found.statuses
    assert [status.result.group for status in statuses] == ["alarmed", "review", "worse", "calm", "few"]
    assert statuses[1].missing == "about 120 more audits (3 days at today’s traffic)"  # noqa: RUF001


def test_an_audit_of_a_label_set_is_counted_once() -> None:
    watched = [(100, 1), (100, 4), (100, 0)]
    labels, classes = (_since(*watched, groups=groups) for groups in ("labels", "classes"))
    assert (labels.audits_since, labels.wrong_since) == (100, 4)
    assert (classes.audits_since, classes.wrong_since) == (300, 5)
    results = [GroupResult(name, 0.01, [], accepted=50, wrong=wrong) for name, wrong in [("a", 2), ("b", 3)]]
    found = replace(labels, certified=results)
    assert (found.audits, found.wrong) == (50, 3)


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
