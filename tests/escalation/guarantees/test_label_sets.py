"""A guarantee for each label of a set: one threshold, and the errors about each label among what it automates."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from escalation.guarantees import drift, evaluations, group_results, guarantees, preparation, thresholds
from escalation.models import Outcome, Route, Stream
from escalation.policies import versions
from escalation.routing.decide import LabelDecisions
from tests.helpers import measured_recall, stream_history, traffic
from tests.helpers.traffic import ANSWERS, NOON

LATER = NOON + timedelta(days=11)
POLICY: dict[str, Any] = {"threshold": 0.999, "audit": {"rate": 0.5, "mode": "after"}}


@pytest.fixture
def stream(queue: object) -> Stream:
    found = traffic.apply_stream(multiple=True, policy=POLICY)
    measured_recall.set_error_target(
        stream=found, max_error=0.05, groups="labels", declared_audits=450, actor="user:mara", now=NOON
    )
    return found


def _write_sets(
    stream: Stream, count: int, *, seed: int = 1, risky: float = 0.0, since: datetime = NOON, prefix: str = "past"
) -> None:
    """Sets of labels, each scored or not; `risky`: errors about the first label that no confidence tells."""
    rng = np.random.default_rng(seed)
    sure = 1 - rng.random((count, len(ANSWERS))) ** 6
    wrong = rng.random(sure.shape) > sure
    wrong[:, 0] |= rng.random(count) < risky
    scored = rng.random(sure.shape) < 0.9
    parts = [
        LabelDecisions(
            predicted=[name for name in ANSWERS if rng.random() < 0.5],
            confidences={name: float(sure[at, i]) for i, name in enumerate(ANSWERS) if scored[at, i]},
        )
        for at in range(count)
    ]
    overall = [max(0.9, float(sure[at].min())) for at in range(count)]
    stream_history.write_history(
        stream, overall, wrong.any(axis=1).tolist(), since=since, prefix=prefix, predicted="",
        parts=[{"labels": one} for one in parts],
        part_errors=[dict(zip(ANSWERS, row, strict=True)) for row in wrong.tolist()],
    )  # fmt: skip


def _load_routes(prefix: str = "") -> list[Any]:
    found = Route.objects.filter(output__external_id__startswith=prefix)
    return list(found.select_related("output__outcome").order_by("output_id"))


def _count_errors(label: str, threshold: float) -> tuple[int, int]:
    """The audits that one threshold for everything accepts, and the errors about a label; without the product's SQL."""
    accepted = [
        route.output.outcome.part_errors[label]
        for route in _load_routes()
        if route.u < route.p and _find_least(route.output) >= threshold
    ]
    return len(accepted), sum(accepted)


def _find_least(output: Any) -> float:
    return float(min([output.confidence, *output.label_decisions["confidences"].values()]))


def test_every_label_keeps_the_target_among_what_the_common_threshold_automates(stream: Stream) -> None:
    _write_sets(stream, 4000)
    made = evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    found = group_results.parse_group_results(made)
    assert [group.group for group in found] == list(ANSWERS)
    (threshold,) = {group.threshold for group in found}
    assert threshold in thresholds.THRESHOLDS
    # An exact evaluation has only the first 450 audits.
    assert {group.way for group in found} == {"anytime"}
    for group in found:
        assert (group.accepted, group.wrong) == _count_errors(group.group, threshold or 0.0)
    assert len({group.wrong for group in found}) > 1
    # Each label has all of the line's delta for its thresholds: only one of them has to be false for all to fail.
    assert made.line
    assert {name: plan["share"] for name, plan in made.line.plan.items()} == {"": 1.0}


def test_routing_automates_exactly_what_the_guarantee_counted(stream: Stream) -> None:
    _write_sets(stream, 4000)
    made = evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    proposed = guarantees.propose_certified_policy(evaluation=made, actor="user:mara", now=LATER)
    versions.activate_version(policy=proposed.policy, by="user:mara", approved_by="user:max", now=LATER)
    _write_sets(stream, 1000, seed=2, since=LATER, prefix="on")
    threshold = group_results.parse_group_results(made)[0].threshold or 0.0
    for route in _load_routes("on"):
        assert route.eligible == (_find_least(route.output) >= threshold)
    coverage = group_results.parse_group_results(made)[0].coverage
    counted = [_find_least(route.output) >= threshold for route in _load_routes("past")]
    assert coverage == pytest.approx(sum(counted) / len(counted))


def test_one_label_with_too_many_errors_keeps_all_sets_in_review(stream: Stream) -> None:
    _write_sets(stream, 5000, risky=0.2)
    made = evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    refusals = {group.group: group.refusal for group in group_results.parse_group_results(made)}
    assert refusals == {ANSWERS[0]: "too_many_errors", **dict.fromkeys(ANSWERS[1:], "other_labels")}
    assert made.refusal == "too_many_errors"


def test_a_set_that_says_nothing_about_its_labels_is_an_error_about_each(stream: Stream) -> None:
    _write_sets(stream, 1000)
    before = preparation.prepare_evaluation(stream, now=LATER).sample.counts
    right = Outcome.objects.filter(output__route__u__lt=0.5, wrong=False)
    numbers = list(right.values_list("pk", flat=True)[:20])
    Outcome.objects.filter(pk__in=numbers[:10]).update(part_errors={}, wrong=True)  # rejected
    Outcome.objects.filter(pk__in=numbers[10:]).update(part_errors=None)  # judged before labels were recorded
    after = preparation.prepare_evaluation(stream, now=LATER).sample.counts
    for label in ANSWERS:
        assert after.groups[label].errors.sum() == before.groups[label].errors.sum() + 20
    assert (after.sampled, after.answered) == (before.sampled, before.answered - 20)


def test_the_watch_of_a_label_alarms_for_it_alone(stream: Stream) -> None:
    _write_sets(stream, 4000)
    made = evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    proposed = guarantees.propose_certified_policy(evaluation=made, actor="user:mara", now=LATER)
    versions.activate_version(policy=proposed.policy, by="user:mara", approved_by="user:max", now=LATER)
    _write_sets(stream, 1500, seed=3, since=LATER, prefix="on", risky=0.3)
    (alarm,) = drift.watch_guarantees(now=LATER + timedelta(days=11))
    assert alarm.group == ANSWERS[0]


@pytest.mark.usefixtures("queue")
def test_a_guarantee_for_whole_sets_drops_no_threshold_of_a_label() -> None:
    stream = traffic.apply_stream(multiple=True, policy={**POLICY, "thresholds": {ANSWERS[0]: 0.9}})
    measured_recall.set_error_target(stream=stream, max_error=0.5, declared_audits=450, actor="user:mara", now=NOON)
    _write_sets(stream, 1000)
    with pytest.raises(preparation.EvaluationRefused, match="label_thresholds"):
        evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    versions.activate_version(
        policy=versions.save_version(stream=stream, spec=versions.validate_spec(POLICY), actor="user:mara"),
        by="user:mara", approved_by="user:max", now=LATER,
    )  # fmt: skip
    assert evaluations.run_evaluation(stream, by="user:mara", now=LATER).refusal == ""
