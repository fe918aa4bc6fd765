"""Lines of evidence: begun once per stretch of conditions, with starts from unaudited outputs of their population."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from escalation.guarantees import evaluations, lines, preparation, thresholds
from escalation.guarantees.certification import DEFAULT_STARTS
from escalation.guarantees.population import Population
from escalation.models import ErrorTarget, EvidenceLine, Output, Stream
from tests.helpers import measured_recall, races, stream_history, traffic
from tests.helpers.traffic import NOON

LATER = NOON + timedelta(days=11)
COVERED = Population("clf", "1", 1)
POLICY: dict[str, Any] = {"threshold": 0.9, "audit": {"rate": 0.5, "mode": "after"}}


@pytest.fixture
def stream(queue: object) -> Stream:
    return traffic.apply_stream(policy=POLICY)


def _target(stream: Stream, **options: Any) -> ErrorTarget:
    options = {"declared_audits": 450, "max_error": 0.05} | options
    return measured_recall.set_error_target(stream=stream, actor="user:mara", now=NOON, **options)


@pytest.mark.django_db(transaction=True)
def test_sweeps_that_saw_different_conditions_never_share_a_line(stream: Stream) -> None:
    """Both found no line yet; the audits of one are not those of the other, so only one of them may begin it."""
    target = _target(stream)
    found = [lines.find_line(stream, target, COVERED, first_id=first) for first in (1_000, 2_000)]
    plan = partial(lines.plan_groups, names=[""], ready=[""], last_id=3_000, now=timezone.now())
    results = races.race(*(partial(plan, line) for line in found))
    (begun,) = races.filter_results(EvidenceLine, results)
    assert len(races.filter_results(lines.LineMoved, results)) == 1
    assert begun.first_id == found[results.index(begun)].first_id
    assert EvidenceLine.objects.get() == begun


@pytest.mark.django_db(transaction=True)
def test_sweeps_that_saw_the_same_conditions_share_a_line(stream: Stream) -> None:
    target = _target(stream)
    found = [lines.find_line(stream, target, COVERED, first_id=1_000) for _ in range(2)]
    plan = partial(lines.plan_groups, names=[""], ready=[""], last_id=3_000, now=timezone.now())
    assert races.race(*(partial(plan, line) for line in found)) == [EvidenceLine.objects.get()] * 2


def test_an_evaluation_whose_line_moved_meanwhile_is_prepared_anew(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream_history.write_history(stream, [0.95] * 1500, [False] * 1500)
    target = _target(stream)
    prepare = preparation.prepare_evaluation
    moved: list[EvidenceLine] = []

    def prepare_then_move(*args: Any, **options: Any) -> preparation.PreparedEvaluation:
        prepared = prepare(*args, **options)
        if not moved:
            later = lines.find_line(stream, target, COVERED, first_id=Output.objects.order_by("pk")[100].pk)
            moved.append(lines.plan_groups(later, [""], ready=[], last_id=prepared.sample.window.last, now=LATER))
        return prepared

    monkeypatch.setattr(evaluations, "prepare_evaluation", prepare_then_move)
    made = evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    assert made.line == moved[0]
    assert made.first_id == moved[0].first_id


def test_starts_are_chosen_from_the_lines_own_population(stream: Stream) -> None:
    """Another version's confidences, all lower, would move every start to where this one has none."""
    before: dict[str, Any] = {"since": NOON - timedelta(days=20), "span": timedelta(days=10)}
    stream_history.write_history(stream, [0.3] * 3000, [False] * 3000, prefix="old", model_version="0", **before)
    stream_history.write_history(stream, [0.95] * 1500, [False] * 1500)
    _target(stream)
    made = evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    assert made.line
    starts = {start for way in ("declared", "anytime") for start, _ in made.line.plan[""][way]}
    assert starts <= {step for step in thresholds.THRESHOLDS if step >= 0.95}


def test_a_flood_of_outputs_after_labels_are_known_does_not_move_the_starts(stream: Stream) -> None:
    """What may be counted ends at the first audit without an answer, and a flood has audits of its own."""
    stream_history.write_history(stream, [0.95] * 1500, [False] * 1500)
    _target(stream)
    late: dict[str, Any] = {"since": LATER - timedelta(hours=2), "span": timedelta(hours=1)}
    stream_history.write_history(stream, [0.3] * 3000, [False] * 3000, prefix="flood", answered=False, **late)
    made = evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    assert made.line
    starts = {start for way in ("declared", "anytime") for start, _ in made.line.plan[""][way]}
    assert starts <= {step for step in thresholds.THRESHOLDS if step >= 0.95}


def test_the_starts_of_a_group_wait_until_it_could_pass(stream: Stream) -> None:
    """With a handful of outputs only defaults could be chosen, and they would be fixed for good."""
    both = ["refund", "billing"]
    stream_history.write_history(stream, [0.999] * 1520, [False] * 1520, predicted=["refund"] * 1500 + ["billing"] * 20)
    _target(stream, groups="classes")
    first = evaluations.run_evaluation(stream, by="user:mara", now=LATER).line
    assert first
    first.refresh_from_db()
    assert {name: "anytime" in plan for name, plan in first.plan.items()} == {"refund": True, "billing": False}
    assert {first.plan[name]["share"] for name in both} == {0.4}
    stream_history.write_history(
        stream, [0.999] * 1500, [False] * 1500, predicted="billing", since=LATER, prefix="more"
    )
    later = evaluations.run_evaluation(stream, by="user:mara", now=LATER + timedelta(days=11)).line
    assert later == first
    later.refresh_from_db()
    assert later.plan["refund"] == first.plan["refund"]
    starts = [start for start, _ in later.plan["billing"]["anytime"]]
    assert starts == [start for start, _ in first.plan["refund"]["anytime"]]
    assert not set(starts) & set(DEFAULT_STARTS)
