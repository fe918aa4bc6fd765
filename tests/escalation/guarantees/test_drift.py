"""More goes wrong than was stated: noticed once, ends the statement, and what came in before counts no more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from escalation.guarantees import describe, drift, evaluations, guarantees, preparation, targets
from escalation.guarantees.guarantees import Statement
from escalation.models import Activation, Outcome, Stream, Target, Watch, output_id
from escalation.policies import versions
from reviewqueue.models import Event
from tests.escalation.guarantees.test_evaluations import POLICY, honest
from tests.helpers import stream_history, traffic
from tests.helpers.traffic import NOON

STATED = NOON + timedelta(days=11)
LATER = STATED + timedelta(days=11)


@pytest.fixture
def stream(queue: object) -> Stream:
    return _stream()


def _stream(**promise: Any) -> Stream:
    return traffic.stream(policy={**POLICY, "threshold": 0.9999, "promise": promise})


def _stated(stream: Stream, **target: Any) -> Statement:
    stream_history.write(stream, *honest(1600))
    targets.set_target(stream=stream, max_error=0.05, actor="user:mara", now=NOON, **target)
    attempt = evaluations.look(stream, by="user:mara", now=STATED)
    proposed = guarantees.propose(attempt=attempt, actor="user:mara", now=STATED)
    versions.activate(policy=proposed.policy, by="user:mara", approved_by="user:max", now=STATED)
    return _in_force(stream, STATED)


def _in_force(stream: Stream, now: Any = LATER) -> Statement:
    found = guarantees.in_force(stream, now=now)
    assert found
    return found


def _goes_on(stream: Stream, risk: float, count: int = 2000, **fields: Any) -> None:
    wrong = np.random.default_rng(5).random(count) < risk
    stream_history.write(stream, [0.97] * count, wrong.tolist(), since=STATED, prefix="on", **fields)


def test_as_many_mistakes_as_stated_raise_no_alarm(stream: Stream) -> None:
    _stated(stream)
    _goes_on(stream, risk=0.03)
    assert drift.watch(now=LATER) == []
    (row,) = drift.of(_in_force(stream))
    drawn = Outcome.objects.filter(output__external_id__startswith="on-", output__route__audit__gt="")
    assert row.checked == drawn.count() > 800
    assert row.wrong == drawn.filter(wrong=True).count()
    assert _in_force(stream).holds


def test_more_mistakes_end_the_statement_once_and_say_so(stream: Stream) -> None:
    _stated(stream)
    _goes_on(stream, risk=0.3)
    (alarm,) = drift.watch(now=LATER)
    assert 0 < alarm.wrong < alarm.checked < 200, "it does not take all of them"
    assert drift.watch(now=LATER + timedelta(minutes=1)) == []
    assert _in_force(stream).ended == "drift"
    (event,) = Event.objects.filter(verb="statement.alarmed")
    assert event.queue == stream.slug


def test_a_sweep_goes_on_where_the_last_one_stopped(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "BATCH", 7)
    _stated(stream)
    _goes_on(stream, risk=0.02, count=300)
    drift.watch(now=STATED + timedelta(days=1))
    drift.watch(now=LATER)
    in_small_steps = drift.of(_in_force(stream))[0]
    told = (in_small_steps.checked, in_small_steps.wrong, in_small_steps.levels)
    Watch.objects.all().delete()
    monkeypatch.setattr(drift, "BATCH", 1000)
    drift.watch(now=LATER)
    at_once = drift.of(_in_force(stream))[0]
    assert (at_once.checked, at_once.wrong) == told[:2]
    assert at_once.levels == pytest.approx(told[2])


def test_a_check_without_its_answer_holds_up_those_behind_it_until_it_is_overdue(stream: Stream) -> None:
    _stated(stream)
    stream_history.write(
        stream, [0.97] * 400, [False] * 400, since=STATED, prefix="on", answered=[n > 3 for n in range(400)]
    )
    drift.watch(now=STATED + timedelta(days=11))
    assert drift.of(_in_force(stream))[0].checked == 0
    drift.watch(now=STATED + timedelta(days=30))
    (row,) = drift.of(_in_force(stream))
    assert row.checked > 150
    assert 0 < row.wrong <= 4, "what nobody answered counts as a mistake"


def test_what_is_no_check_is_gone_through_once(stream: Stream) -> None:
    _stated(stream)
    stream_history.write(stream, [0.1] * 40, [False] * 40, since=STATED, prefix="below")
    drift.watch(now=LATER)
    (row,) = drift.of(_in_force(stream))
    assert row.seen == output_id.at(LATER - drift.ROUTED_BY_THEN)
    stream_history.write(stream, [0.97] * 40, [False] * 40, since=LATER, prefix="on")
    drift.watch(now=LATER + timedelta(days=11))
    assert drift.of(_in_force(stream, LATER + timedelta(days=11)))[0].checked > 10


def test_answers_of_people_who_saw_the_machines_say_nothing(stream: Stream) -> None:
    _stated(stream)
    _goes_on(stream, risk=1.0, blind=False)
    assert drift.watch(now=LATER) == []
    assert drift.of(_in_force(stream))[0].checked == 0


@pytest.mark.parametrize("held_back", ["below the threshold", "another model version", "by a rule"])
def test_only_what_the_statement_is_about_is_watched(queue: object, held_back: str) -> None:
    rules = [{"name": "large", "when": {"value": {"gte": 1000}}, "route": "review"}]
    stream = traffic.stream(policy={**POLICY, "threshold": 0.9999, "rules": rules})
    _stated(stream)
    score = 0.1 if held_back == "below the threshold" else 0.97
    fields: dict[str, dict[str, Any]] = {
        "below the threshold": {},
        "another model version": {"model_version": "2", "shadow": True},
        "by a rule": {"value": 5000.0},
    }
    stream_history.write(stream, [score] * 400, [True] * 400, since=STATED, prefix="on", **fields[held_back])
    assert drift.watch(now=LATER) == []


def test_each_group_is_watched_on_its_own(stream: Stream) -> None:
    scores, wrong = honest(3000)
    stream_history.write(stream, scores, wrong, predicted=["refund", "billing"] * 1500)
    targets.set_target(stream=stream, max_error=0.05, actor="user:mara", now=NOON, groups=Target.Groups.CLASSES)
    attempt = evaluations.look(stream, by="user:mara", now=STATED)
    proposed = guarantees.propose(attempt=attempt, actor="user:mara", now=STATED)
    versions.activate(policy=proposed.policy, by="user:mara", approved_by="user:max", now=STATED)
    stream_history.write(
        stream, [0.999] * 800, [n % 2 == 0 for n in range(800)], since=STATED, prefix="on",
        predicted=["refund", "billing"] * 400,
    )  # fmt: skip
    (alarm,) = drift.watch(now=LATER)
    assert alarm.group == "refund"
    assert {row.group: row.wrong for row in drift.of(_in_force(stream))}["billing"] == 0


@pytest.mark.parametrize(("on_expiry", "acts"), [("keep", 0), ("check_more", 1), ("all_to_people", 1)])
def test_an_alarm_brings_about_what_the_policy_says(queue: object, on_expiry: str, acts: int) -> None:
    stream = _stream(on_expiry=on_expiry)
    _stated(stream)
    _goes_on(stream, risk=0.3)
    drift.watch(now=LATER)
    for _ in range(2):
        guarantees.act_on_ended(now=LATER)
    assert Activation.objects.filter(activated_by=guarantees.SYSTEM).count() == acts


def test_two_people_may_decide_otherwise_after_the_system_has_acted(queue: object) -> None:
    stream = _stream(on_expiry="check_more")
    _stated(stream)
    _goes_on(stream, risk=0.3)
    drift.watch(now=LATER)
    guarantees.act_on_ended(now=LATER)
    current = versions.active(stream)
    assert current
    before = Activation.objects.filter(stream=stream).order_by("-pk")[1].policy
    versions.activate(policy=before, by="user:mara", approved_by="user:max", now=LATER)
    assert guarantees.act_on_ended(now=LATER + timedelta(minutes=1)) == []


def test_what_came_in_before_an_alarm_is_no_evidence_any_more(stream: Stream) -> None:
    old = _stated(stream)
    _goes_on(stream, risk=0.3)
    (alarm,) = drift.watch(now=LATER)
    ready = preparation.prepare(stream, now=LATER)
    assert ready.sample.window.first > alarm.seen
    with pytest.raises(preparation.Refused) as refused:
        guarantees.propose(attempt=old.attempt, actor="user:mara", now=LATER)
    assert "alarm" in describe.refusal(refused.value.reason, refused.value.params)


def test_where_nothing_came_in_since_an_alarm_nobody_is_told_to_check_more(stream: Stream) -> None:
    statement = _stated(stream)
    last = statement.attempt.last_id
    Watch.objects.create(attempt=statement.attempt, seen=last, checked=214, wrong=31, alarmed_at=STATED)
    with pytest.raises(preparation.Refused) as refused:
        preparation.prepare(stream, now=LATER)
    assert refused.value.reason == "none_of_late"
    assert "since the alarm" in describe.refusal(refused.value.reason, refused.value.params)
