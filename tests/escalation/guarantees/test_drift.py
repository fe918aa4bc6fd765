"""Drift: more errors than guaranteed raise one alarm, end the guarantee, and invalidate earlier evidence."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from escalation.guarantees import describe, detection, drift, evaluations, group_results, guarantees, preparation
from escalation.guarantees.guarantees import Guarantee
from escalation.models import Activation, ErrorTarget, GuaranteeWatch, Outcome, Stream, output_id
from escalation.policies import versions
from reviewqueue.models import Event
from tests.escalation.guarantees.test_evaluations import POLICY, honest
from tests.helpers import measured_recall, stream_history, traffic
from tests.helpers.traffic import NOON

STATED = NOON + timedelta(days=11)
LATER = STATED + timedelta(days=11)


@pytest.fixture
def stream(queue: object) -> Stream:
    return _stream()


def _stream(**guarantee: Any) -> Stream:
    return traffic.apply_stream(policy={**POLICY, "threshold": 0.9999, "guarantee": guarantee})


def _start_guarantee(stream: Stream, **target: Any) -> Guarantee:
    stream_history.write_history(stream, *honest(1000))
    measured_recall.set_error_target(
        stream=stream, max_error=0.05, declared_audits=450, actor="user:mara", now=NOON, **target
    )
    evaluation = evaluations.run_evaluation(stream, by="user:mara", now=STATED)
    proposed = guarantees.propose_certified_policy(evaluation=evaluation, actor="user:mara", now=STATED)
    versions.activate_version(policy=proposed.policy, by="user:mara", approved_by="user:max", now=STATED)
    return _latest_guarantee(stream, STATED)


def _latest_guarantee(stream: Stream, now: Any = LATER) -> Guarantee:
    found = guarantees.find_latest_guarantee(stream, now=now)
    assert found
    return found


def _add_traffic(stream: Stream, risk: float, count: int = 1000, **fields: Any) -> None:
    wrong = np.random.default_rng(5).random(count) < risk
    stream_history.write_history(stream, [0.97] * count, wrong.tolist(), since=STATED, prefix="on", **fields)


def test_errors_within_the_guarantee_raise_no_alarm(stream: Stream) -> None:
    _start_guarantee(stream)
    _add_traffic(stream, risk=0.03)
    assert drift.watch_guarantees(now=LATER) == []
    (row,) = drift.list_watches(_latest_guarantee(stream))
    drawn = Outcome.objects.filter(output__external_id__startswith="on-", output__route__audit__gt="")
    assert row.audits == drawn.count() > 400
    assert row.wrong == drawn.filter(wrong=True).count()
    assert _latest_guarantee(stream).holds


def test_more_errors_end_the_guarantee_once(stream: Stream) -> None:
    _start_guarantee(stream)
    _add_traffic(stream, risk=0.3)
    (alarm,) = drift.watch_guarantees(now=LATER)
    assert 0 < alarm.wrong < alarm.audits < 200, "it does not take all of them"
    assert drift.watch_guarantees(now=LATER + timedelta(minutes=1)) == []
    assert _latest_guarantee(stream).end_reason == "drift"
    (event,) = Event.objects.filter(verb="statement.alarmed")
    assert event.queue == stream.slug


def test_a_sweep_continues_where_the_last_one_stopped(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "BATCH_SIZE_AUDITS", 7)
    _start_guarantee(stream)
    _add_traffic(stream, risk=0.02, count=300)
    drift.watch_guarantees(now=STATED + timedelta(days=1))
    drift.watch_guarantees(now=LATER)
    in_small_steps = drift.list_watches(_latest_guarantee(stream))[0]
    expected = (in_small_steps.audits, in_small_steps.wrong, in_small_steps.levels)
    GuaranteeWatch.objects.all().delete()
    monkeypatch.setattr(drift, "BATCH_SIZE_AUDITS", 1000)
    drift.watch_guarantees(now=LATER)
    at_once = drift.list_watches(_latest_guarantee(stream))[0]
    assert (at_once.audits, at_once.wrong) == expected[:2]
    assert at_once.levels == pytest.approx(expected[2])


def test_a_pending_audit_blocks_later_ones_until_it_is_overdue(stream: Stream) -> None:
    _start_guarantee(stream)
    stream_history.write_history(
        stream, [0.97] * 400, [False] * 400, since=STATED, prefix="on", answered=[n > 3 for n in range(400)]
    )
    drift.watch_guarantees(now=STATED + timedelta(days=11))
    assert drift.list_watches(_latest_guarantee(stream))[0].audits == 0
    drift.watch_guarantees(now=STATED + timedelta(days=30))
    (row,) = drift.list_watches(_latest_guarantee(stream))
    assert row.audits > 150
    assert 0 < row.wrong <= 4, "an unanswered audit counts as an error"


def test_outputs_that_are_not_audits_are_read_once(stream: Stream) -> None:
    _start_guarantee(stream)
    stream_history.write_history(stream, [0.1] * 40, [False] * 40, since=STATED, prefix="below")
    drift.watch_guarantees(now=LATER)
    (row,) = drift.list_watches(_latest_guarantee(stream))
    assert row.seen == output_id.first_id_at(LATER - drift.ROUTING_GRACE)
    stream_history.write_history(stream, [0.97] * 40, [False] * 40, since=LATER, prefix="on")
    drift.watch_guarantees(now=LATER + timedelta(days=11))
    assert drift.list_watches(_latest_guarantee(stream, LATER + timedelta(days=11)))[0].audits > 10


def test_answers_that_were_not_blind_count_as_errors(stream: Stream) -> None:
    _start_guarantee(stream)
    _add_traffic(stream, risk=0.0, blind=False)
    (watch,) = drift.watch_guarantees(now=LATER)
    assert watch.wrong == watch.audits > 0


@pytest.mark.parametrize("held_back", ["below the threshold", "another model version", "by a rule"])
def test_only_audits_covered_by_the_guarantee_are_watched(queue: object, held_back: str) -> None:
    rules = [{"name": "large", "when": {"value": {"gte": 1000}}, "route": "review"}]
    stream = traffic.apply_stream(policy={**POLICY, "threshold": 0.9999, "rules": rules})
    _start_guarantee(stream)
    score = 0.1 if held_back == "below the threshold" else 0.97
    fields: dict[str, dict[str, Any]] = {
        "below the threshold": {},
        "another model version": {"model_version": "2", "shadow": True},
        "by a rule": {"value": 5000.0},
    }
    stream_history.write_history(stream, [score] * 400, [True] * 400, since=STATED, prefix="on", **fields[held_back])
    assert drift.watch_guarantees(now=LATER) == []


def test_each_group_is_watched_separately(stream: Stream) -> None:
    scores, wrong = honest(3000)
    stream_history.write_history(stream, scores, wrong, predicted=["refund", "billing"] * 1500)
    measured_recall.set_error_target(
        stream=stream,
        max_error=0.05,
        declared_audits=600,
        actor="user:mara",
        now=NOON,
        groups=ErrorTarget.Grouping.CLASSES,
    )
    evaluation = evaluations.run_evaluation(stream, by="user:mara", now=STATED)
    proposed = guarantees.propose_certified_policy(evaluation=evaluation, actor="user:mara", now=STATED)
    versions.activate_version(policy=proposed.policy, by="user:mara", approved_by="user:max", now=STATED)
    stream_history.write_history(
        stream, [0.999] * 800, [n % 2 == 0 for n in range(800)], since=STATED, prefix="on",
        predicted=["refund", "billing"] * 400,
    )  # fmt: skip
    (alarm,) = drift.watch_guarantees(now=LATER)
    assert alarm.group == "refund"
    assert {row.group: row.wrong for row in drift.list_watches(_latest_guarantee(stream))}["billing"] == 0


@pytest.mark.parametrize(("on_expiry", "acts"), [("keep", 0), ("check_more", 1), ("all_to_people", 1)])
def test_an_alarm_triggers_the_policys_on_expiry(queue: object, on_expiry: str, acts: int) -> None:
    stream = _stream(on_expiry=on_expiry)
    _start_guarantee(stream)
    _add_traffic(stream, risk=0.3)
    drift.watch_guarantees(now=LATER)
    for _ in range(2):
        guarantees.enforce_ended_guarantees(now=LATER)
    assert Activation.objects.filter(activated_by=guarantees.SYSTEM_ACTOR).count() == acts


def test_two_people_can_reverse_the_systems_change(queue: object) -> None:
    stream = _stream(on_expiry="check_more")
    _start_guarantee(stream)
    _add_traffic(stream, risk=0.3)
    drift.watch_guarantees(now=LATER)
    guarantees.enforce_ended_guarantees(now=LATER)
    current = versions.find_active_policy(stream)
    assert current
    before = Activation.objects.filter(stream=stream).order_by("-pk")[1].policy
    versions.activate_version(policy=before, by="user:mara", approved_by="user:max", now=LATER)
    assert guarantees.enforce_ended_guarantees(now=LATER + timedelta(minutes=1)) == []


def test_outputs_before_an_alarm_are_no_longer_evidence(stream: Stream) -> None:
    old = _start_guarantee(stream)
    _add_traffic(stream, risk=0.3)
    (alarm,) = drift.watch_guarantees(now=LATER)
    ready = preparation.prepare_evaluation(stream, now=LATER)
    assert ready.sample.window.first > alarm.seen
    with pytest.raises(preparation.EvaluationRefused) as refused:
        guarantees.propose_certified_policy(evaluation=old.evaluation, actor="user:mara", now=LATER)
    assert "alarm" in describe.describe_refusal(refused.value.reason, refused.value.params)


def test_without_traffic_since_an_alarm_no_more_audits_are_requested(stream: Stream) -> None:
    guarantee = _start_guarantee(stream)
    last = guarantee.evaluation.last_id
    GuaranteeWatch.objects.create(evaluation=guarantee.evaluation, seen=last, audits=214, wrong=31, alarmed_at=STATED)
    with pytest.raises(preparation.EvaluationRefused) as refused:
        preparation.prepare_evaluation(stream, now=LATER)
    assert refused.value.reason == "none_of_late"
    assert "before the last drift alarm" in describe.describe_refusal(refused.value.reason, refused.value.params)


def test_the_page_can_say_how_soon_doubled_errors_would_be_noticed(stream: Stream) -> None:
    found = _start_guarantee(stream)
    outlook = detection.build_detection_outlook(found, now=STATED)
    assert outlook.error_rate == 0.1
    assert outlook.false_alarm_audits == 2_000
    (group,) = group_results.parse_group_results(found.evaluation)
    assert outlook.audits
    assert outlook.days
    assert group.coverage
    # As many audits a day as in the eleven days before, of which a share lies above the threshold.
    audited = Outcome.objects.filter(output__route__u__lt=0.5).count()
    assert outlook.days == math.ceil(math.ceil(outlook.audits / group.coverage) * 11 / audited)


def test_the_delay_in_days_is_that_of_a_real_rise(stream: Stream) -> None:
    """Errors at twice the target from now on: the watch's alarm comes when the page says, give or take chance."""
    found = _start_guarantee(stream)
    outlook = detection.build_detection_outlook(found, now=STATED)
    _add_traffic(stream, risk=2 * found.evaluation.max_error, count=4000)
    (alarm,) = drift.watch_guarantees(now=LATER)
    assert outlook.audits
    assert outlook.audits / 4 < alarm.audits < outlook.audits * 4
