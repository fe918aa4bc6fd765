"""What a changed policy would have done, beside the one in effect."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from escalation.models import Output, Route, Stream
from escalation.policies import versions
from escalation.simulation import policy_effect
from escalation.simulation.policy_effect import PolicyEffect
from tests.escalation.guarantees.test_evaluations import honest
from tests.helpers import stream_history, traffic
from tests.helpers.traffic import NOON

LATER = NOON + timedelta(days=11)
COSTS = {"review": 0.5, "error": 10.0}


def _stream(mode: str) -> Stream:
    audit = {"rate": 0.5, "mode": mode}
    return traffic.apply_stream(policy={"threshold": 0.9, "audit": audit, "costs": COSTS})


def _compare(stream: Stream, **change: Any) -> PolicyEffect:
    current = versions.find_active_policy(stream)
    assert current
    after = versions.validate_spec({"threshold": 0.9, "audit": {"rate": 0.5, "mode": "after"}, "costs": COSTS} | change)
    return policy_effect.compare_policies(stream, current.spec, after, now=LATER)


@pytest.mark.parametrize("mode", ["after", "hold"])
def test_the_version_in_effect_replays_as_it_was_routed(queue: object, mode: str) -> None:
    stream = _stream(mode)
    stream_history.write_history(stream, *honest(2000))
    before = _compare(stream).before
    assert before
    days = (LATER - NOON) / timedelta(days=1)
    assert before.outputs == Output.objects.count()
    assert before.automated == Route.objects.filter(released=True).count()
    reviewed = Route.objects.exclude(kind="auto", audit="").count()
    assert before.reviews_per_day == pytest.approx(reviewed / days, rel=1e-3)
    # The rate among answered audits at or above the threshold, times what was released.
    audits = Route.objects.filter(eligible=True, u__lt=0.5)
    wrong = audits.filter(output__outcome__wrong=True).count()
    assert before.audits == audits.count()
    assert before.undetected
    expected = wrong / audits.count() * before.automated / days
    assert before.undetected.value == pytest.approx(expected, rel=1e-3)
    assert before.undetected.low < expected < before.undetected.high


def test_a_looser_threshold_automates_more_and_lets_more_errors_through(queue: object) -> None:
    stream = _stream("after")
    stream_history.write_history(stream, *honest(2000))
    effect = _compare(stream, threshold=0.5)
    assert effect.before
    assert effect.before.undetected
    assert effect.after.undetected
    assert effect.newly_automated == Output.objects.filter(confidence__gte=0.5, confidence__lt=0.9).count()
    assert effect.newly_reviewed == 0
    assert effect.after.undetected.value > effect.before.undetected.value
    assert effect.after.reviews_per_day < effect.before.reviews_per_day
    assert len(effect.examples) == policy_effect.MAX_EXAMPLES
    assert all(one.automated and (one.confidence or 0) < 0.9 for one in effect.examples)


def test_without_audits_errors_are_unknown_and_without_traffic_nothing_is_shown(queue: object) -> None:
    stream = traffic.apply_stream(policy={"threshold": 0.9, "audit": {"rate": 0.0}})
    assert _compare(stream).outputs == 0
    stream_history.write_history(stream, *honest(200))
    assert _compare(stream).after.undetected is None


def test_only_the_latest_outputs_are_replayed(queue: object, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = _stream("after")
    stream_history.write_history(stream, *honest(300))
    monkeypatch.setattr(policy_effect, "MAX_OUTPUTS", 100)
    effect = _compare(stream)
    assert (effect.outputs, effect.cut) == (100, True)
