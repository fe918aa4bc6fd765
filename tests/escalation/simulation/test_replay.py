"""Replaying the same policy reproduces history; replaying another one shows the differences."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from escalation.models import Output, Route, Stream
from escalation.policies import versions
from escalation.simulation import replay
from escalation.streams import definition
from escalation.streams.definition import StreamDefinition
from tests.helpers import stream_history, traffic
from tests.helpers.traffic import NOON

SINCE, UNTIL = NOON, NOON + timedelta(days=11)
LITTLE = timedelta(minutes=5)
POLICY: dict[str, Any] = {
    "threshold": 0.8,
    "thresholds": {"billing": 0.9},
    "segments": [{"when": {"language": "de"}, "threshold": 0.95}],
    "rules": [{"name": "large", "when": {"prediction": {"eq": "card_arrival"}, "confidence": {"lt": 0.97}}}],
    "audit": {"rate": 0.2, "mode": "hold"},
}


def _past(stream: Stream, count: int) -> None:
    rng = np.random.default_rng(6)
    scores: list[float | None] = [None if rng.random() < 0.02 else float(rng.random() ** 0.3) for _ in range(count)]
    labels = rng.choice(traffic.ANSWERS, count).tolist()
    segments = [{"language": str(rng.choice(["de", "en"]))} for _ in range(count)]
    wrong = (rng.random(count) < 0.1).tolist()
    stream_history.write_history(stream, scores, wrong, predicted=labels, segments=segments)


@pytest.fixture
def stream(queue: object) -> Stream:
    return traffic.apply_stream(policy=POLICY)


@pytest.mark.scale
def test_replaying_the_same_policy_changes_nothing(stream: Stream) -> None:
    _past(stream, 10_000)
    current = versions.find_active_policy(stream)
    assert current
    found = replay.replay_policy(stream, current.spec, since=SINCE, until=UNTIL)
    assert (found.same, found.newly_automated, found.newly_reviewed) == (10_000, 0, 0)
    assert found.total.automated == found.total.would_automate == Route.objects.filter(released=True).count() > 0


def test_another_threshold_reroutes_exactly_the_outputs_in_between(stream: Stream) -> None:
    _past(stream, 2000)
    spec = versions.validate_spec({**POLICY, "threshold": 0.85, "audit": {"rate": 0.0}})
    found = replay.replay_policy(stream, spec, since=SINCE, until=UNTIL)
    between = Route.objects.filter(eligible=True, output__predicted="refund", output__segment__language="en")
    between = between.filter(output__confidence__lt=0.85)
    held_for_a_check = Route.objects.filter(eligible=True, released=False).exclude(pk__in=between)
    assert found.newly_reviewed == between.filter(released=True).count() > 0
    assert found.newly_automated == held_for_a_check.count() > 0
    assert found.same + found.newly_reviewed + found.newly_automated == found.total.outputs == 2000
    assert sum(group.would_automate for group in found.classes.values()) == found.total.would_automate


def test_known_errors_among_outputs_it_would_automate_are_counted(stream: Stream) -> None:
    _past(stream, 2000)
    everything = versions.validate_spec({"threshold": 0.0, "audit": {"rate": 0.0}})
    found = replay.replay_policy(stream, everything, since=SINCE, until=UNTIL)
    judged = Route.objects.filter(output__confidence__isnull=False, output__outcome__wrong__isnull=False)
    assert (found.total.judged, found.total.wrong) == (
        judged.count(),
        judged.filter(output__outcome__wrong=True).count(),
    )


def test_an_empty_window_has_no_outputs(stream: Stream) -> None:
    found = replay.replay_policy(stream, versions.validate_spec(POLICY), since=SINCE, until=UNTIL)
    assert found.total.outputs == 0


def test_only_the_latest_outputs_are_replayed_above_the_limit(stream: Stream) -> None:
    _past(stream, 500)
    spec = versions.validate_spec(POLICY)
    found = replay.replay_policy(stream, spec, since=SINCE, until=UNTIL, most=100)
    assert found.total.outputs == 100
    first = Output.objects.order_by("-pk")[99].received_at
    assert abs(found.since - first) < timedelta(milliseconds=2)
    assert found.cut
    whole = replay.replay_policy(stream, spec, since=SINCE, until=UNTIL, most=1000)
    assert (whole.total.outputs, whole.since, whole.cut) == (500, SINCE, False)


@pytest.mark.parametrize(("most", "cut"), [(499, True), (500, False), (501, False)])
def test_a_window_is_cut_only_above_the_limit(stream: Stream, most: int, cut: bool) -> None:
    _past(stream, 495)
    # Outputs that no policy routed still count towards the limit.
    stream_history.write_history(
        stream,
        [0.9] * 5,
        [False] * 5,
        since=NOON + timedelta(days=10.5),
        span=LITTLE,
        prefix="stopped",
        override="stopped",
    )
    found = replay.replay_policy(stream, versions.validate_spec(POLICY), since=SINCE, until=UNTIL, most=most)
    assert found.cut == cut
    assert (found.since > SINCE) == cut
    assert found.total.outputs == min(most, 500) - 5


def test_replaying_a_policy_that_decides_by_field_draws_the_same_fields(queue: object) -> None:
    schema = {"type": "object", "properties": {name: {"type": "number"} for name in ("total", "tax")}}
    policy = {"threshold": 0.8, "thresholds": {"/total": 0.9}, "audit": {"rate": 0.3, "mode": "hold"}}
    stream = traffic.apply_stream(answers=None, schema=schema, policy=policy)
    for sure in (0.95, 0.85):
        ids = traffic.number_ids(f"at-{sure}", 12)
        traffic.post_and_route(stream, *ids, prediction={"total": 1, "tax": 0}, confidence=sure)
    current = versions.find_active_policy(stream)
    assert current
    found = replay.replay_policy(stream, current.spec, since=SINCE - LITTLE, until=UNTIL)
    assert 0 < found.total.automated < 12
    assert (found.same, found.newly_automated, found.newly_reviewed) == (24, 0, 0)
    looser = versions.validate_spec({**policy, "thresholds": {"/total": 0.8}, "audit": {"rate": 0}})
    assert replay.replay_policy(stream, looser, since=SINCE - LITTLE, until=UNTIL).total.would_automate == 24


def test_outputs_of_other_answers_go_to_review_as_in_routing(stream: Stream) -> None:
    changed = StreamDefinition(slug="intents", title="Support intents", answers=[*traffic.ANSWERS, "fraud"])
    applied = definition.apply_definition(changed, actor="user:mara", now=NOON)
    assert applied.proposed
    version = applied.proposed.policy
    stream.refresh_from_db()
    assert applied.proposed.active, "one more answer loosens nothing before there is traffic"
    for number in (1, 2):
        since = NOON + number * LITTLE
        stream_history.write_history(
            stream, [0.99] * 50, [False] * 50, since=since, span=LITTLE, prefix=f"{number}", schema_number=number
        )
    spec = versions.spec_of(version)
    routed = replay.replay_policy(stream, spec, since=SINCE, until=UNTIL, schema_number=2)
    assert (routed.same, routed.newly_automated, routed.newly_reviewed) == (100, 0, 0)
    assert Route.objects.filter(reason="policy_outdated").count() == 50
    earlier = replay.replay_policy(stream, spec, since=SINCE, until=UNTIL, schema_number=1)
    assert earlier.newly_reviewed == routed.total.automated > 0
    assert earlier.newly_automated == earlier.total.would_automate > 0
