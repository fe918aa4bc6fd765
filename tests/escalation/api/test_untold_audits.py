"""Producers are not told which outputs are audits, and withdrawing those they guess gains them nothing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from escalation.api import urls
from escalation.decisions import settle, withdraw
from escalation.guarantees import population, sample, targets
from escalation.models import Output, Stream
from escalation.policies import versions
from escalation.reports import overview, stream_report
from escalation.routing.decide import draw_permanent_number
from reviewqueue.activity import log
from reviewqueue.kernel import clock
from reviewqueue.models import User
from reviewqueue.queue import claim
from tests.helpers import evidence, stream_setup
from tests.helpers.stream_setup import Producer

RATE = 0.5
TIMES = ("at", "decided_at")


def _ids(stream: Stream, *, drawn: bool) -> Iterator[str]:
    """Ids of one length that are audits, or that are none."""
    for number in itertools.count(1000):
        name = f"t-{number}"
        if (draw_permanent_number(bytes(stream.secret), stream.slug, name) < RATE) is drawn:
            yield name


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(part) for key, part in value.items() if key not in TIMES}
    return [_without_times(part) for part in value] if isinstance(value, list) else value


def _read_exits(producer: Producer, stream: Stream, name: str) -> dict[str, Any]:
    """All that a producer can read about an output, by route; the output's own id is masked."""
    output = stream_setup.build_output(name, confidence=0.9)
    outputs, wait = f"streams/{stream.slug}/outputs", {"Prefer": "wait=5"}
    answers = {
        "api-outputs": [
            producer.post(outputs, output, headers=wait),
            producer.post(outputs, output),
            producer.post(outputs, [output]),
            producer.post(outputs, {**output, "confidence": 0.1}),
        ],
        "api-decisions": [producer.get(f"streams/{stream.slug}/decisions")],
        "api-output": [producer.get(f"{outputs}/{name}"), producer.delete(f"{outputs}/{name}")],
    }
    answers["api-output"].append(producer.get(f"{outputs}/{name}"))
    read = {route: [json.loads(one.content) for one in found] for route, found in answers.items()}
    read["api-decisions"] = [item for item in read["api-decisions"][0]["items"] if item["id"] == name]
    masked: dict[str, Any] = json.loads(json.dumps(_without_times(read)).replace(name, "masked"))
    return masked


# The label export names audits and the report counts them; docs/guarantee.md says who should not get their scopes.
NOT_FOR_PRODUCERS = {"api-labels", "api-report"}


def test_no_answer_to_a_producer_depends_on_the_audit(stream: Stream, producer: Producer, rob: User) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": RATE, "mode": "after"})
    audit, other = (next(_ids(stream, drawn=drawn)) for drawn in (True, False))
    audited = _read_exits(producer, stream, audit)
    assert set(audited) | NOT_FOR_PRODUCERS == {str(pattern.name) for pattern in urls.urlpatterns}
    assert stream_setup.find_output(stream, audit).route.audit == "after"
    assert audited == _read_exits(producer, stream, other)


def test_what_reviewers_do_with_an_audit_is_not_told_before_it_is_settled(
    stream: Stream, producer: Producer, rob: User
) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": RATE, "mode": "after"}, undo_seconds=60)
    audit, other = (next(_ids(stream, drawn=drawn)) for drawn in (True, False))
    stream_setup.route_outputs(stream, *(stream_setup.build_output(one, confidence=0.9) for one in (audit, other)))
    held = claim.claim_next(user=rob, slug="intents")
    assert held
    stream_setup.decide_claim(held, rob, "correct", "billing")
    told = [
        _without_times(json.loads(producer.get(f"streams/intents/outputs/{one}").content)) for one in (audit, other)
    ]
    assert told[0]["history"] == told[1]["history"]


@pytest.mark.parametrize("mode", ["hold", "after"])
def test_no_answer_to_a_producer_says_audit(stream: Stream, producer: Producer, mode: str) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": 1, "mode": mode})
    read = _read_exits(producer, stream, "held")
    report = json.loads(producer.get("streams/intents/report").content)
    assert "audit" not in json.dumps(read)
    assert (
        list(report["reasons"])
        == [read["api-outputs"][0]["reason"]]
        == ["review" if mode == "hold" else "above_threshold"]
    )
    assert mode == "after" or {one.get("pi") for one in read["api-outputs"]} == {None}


def test_withdrawing_every_audit_and_posting_again_gains_nothing(stream: Stream, rob: User) -> None:
    """The producer knows each audit at once, takes it back and posts the same under another id until it goes out."""
    stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": RATE, "mode": "hold"})
    names = _ids(stream, drawn=True)
    escaped = [next(names) for _ in range(60)]
    stream_setup.route_outputs(stream, *(stream_setup.build_output(one, confidence=0.9) for one in escaped))
    for one in escaped:
        withdraw.withdraw_output(stream=stream, external_id=one, actor=log.key_actor(1))
    free = _ids(stream, drawn=False)
    stream_setup.route_outputs(stream, *(stream_setup.build_output(next(free), confidence=0.9) for _ in range(60)))
    # Twenty easy ones are left to the reviewers, who find nothing.
    stream_setup.route_outputs(stream, *(stream_setup.build_output(next(names), confidence=0.9) for _ in range(20)))
    for _ in range(20):
        stream_setup.judge_next(rob)
    settle.settle_items()

    today = clock.team_date(clock.current_time())
    rate = stream_report.build_report(stream=stream, since=today, until=today).error_rate
    (row,) = overview.list_stream_overviews(["intents"])
    for figures in (rate, row.error_rate):
        assert (figures.audits, figures.wrong, figures.withdrawn) == (20, 0, 60)
        assert figures.high is not None
        assert figures.high > 60 / 80
    assert _draw(stream) == (80, 60)


@pytest.mark.parametrize("confidence", [0.9, 0.5])
def test_a_withdrawn_audit_counts_as_an_error_on_either_side_of_the_threshold(
    stream: Stream, confidence: float
) -> None:
    """Otherwise a producer could clean the evidence for a lower threshold."""
    stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": 1, "mode": "hold"})
    stream_setup.route_outputs(stream, stream_setup.build_output("gone", confidence=confidence))
    withdraw.withdraw_output(stream=stream, external_id="gone", actor=log.key_actor(1))
    assert Output.objects.get(external_id="gone").state == "withdrawn"
    assert _draw(stream) == (1, 1)


def _draw(stream: Stream) -> tuple[int, int]:
    """How many audits the sample of an evaluation has, and how many of them count as errors."""
    line, active = population.current_population(stream), versions.find_active_policy(stream)
    assert line
    assert active
    now = clock.current_time()
    window = sample.find_window(stream, line, spec=active.spec, earliest=0)
    assert window
    target = targets.set_error_target(stream=stream, max_error=0.5, actor="user:mara", now=now)
    drawn = evidence.draw_sample(target, line, window, now=now)
    return drawn.sampled, evidence.count_errors(drawn)
