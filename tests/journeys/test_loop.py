"""The whole loop through public interfaces: post, review, read decisions, read labels and reports."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, cast

import pytest
from django.http import HttpResponse
from django.utils import timezone

from escalation import tasks
from escalation.models import Stream
from reviewqueue.accounts import api_keys
from reviewqueue.models import User
from tests.helpers import stream_setup
from tests.helpers.stream_setup import Producer

OUTPUTS, DECISIONS = "streams/intents/outputs", "streams/intents/decisions"


def _read(answer: HttpResponse, *status: int) -> Any:
    assert answer.status_code in (status or (200,)), answer.content
    return json.loads(answer.content)


@pytest.fixture
def desk(stream: Stream, rob: User, rita: User, holding: Callable[..., Producer]) -> Producer:
    """A custom review tool that acts for the reviewers."""
    return holding("review", streams=("intents",))


@pytest.fixture
def leads_desk(desk: Producer, ann: User) -> Producer:
    _, key = api_keys.create_key(name="lead", scopes=["review"], acts_as=ann, by=None)
    return Producer(desk.client, key)


def _work() -> None:
    """Do what the worker does every second."""
    tasks.sweep_received()
    tasks.sweep_settled()
    tasks.sweep_deadlines()


def _claim(desk: Producer, reviewer: str) -> dict[str, Any]:
    claim: dict[str, Any] = _read(desk.post("queues/intents/claims", {"reviewer": reviewer}), 201)
    return claim


def _say(desk: Producer, claim: dict[str, Any], first: str = "refund", **verdict: Any) -> dict[str, Any]:
    path = f"claims/{claim['claim']}/verdict"
    if claim["answer_first"]:
        _read(desk.post(path, {"verdict": "answer", "answer": first}))
    said: dict[str, Any] = _read(desk.post(path, verdict), 201)
    return said


def _labels(producer: Producer) -> dict[str, dict[str, Any]]:
    answer = producer.get("streams/intents/labels", format="jsonl")
    lines = b"".join(cast("Iterable[bytes]", answer)).splitlines()
    return {line["id"]: line for line in map(json.loads, lines)}


def test_a_low_confidence_output_is_corrected_labelled_and_counted(producer: Producer, desk: Producer) -> None:
    batch = [
        stream_setup.build_output("sure", confidence=0.97),
        stream_setup.build_output("unsure", confidence=0.41, metadata={"trace": 7}),
    ]
    posted = _read(producer.post(OUTPUTS, batch), 202)
    assert [one["status"] for one in posted["results"]] == ["received", "received"]

    _work()
    page = _read(producer.get(DECISIONS))
    assert [(item["id"], item["answer"], item["by"]) for item in page["items"]] == [("sure", "refund", "model")]
    waiting = _read(producer.get(f"{OUTPUTS}/unsure"))
    assert (waiting["status"], waiting["route"], waiting["reason"]) == ("in_review", "review", "below_threshold")

    claim = _claim(desk, "rob")
    assert claim["item"]["reference"] == "unsure"
    assert claim["item"]["input"] == {"text": "I was charged twice"}
    _say(desk, claim, verdict="correct", answer="billing")
    assert desk.post("queues/intents/claims", {"reviewer": "rob"}).status_code == 204
    _work()

    (item,) = _read(producer.get(DECISIONS, after=page["next"]))["items"]
    assert (item["id"], item["answer"], item["by"], item["revision"]) == ("unsure", "billing", "people", 1)
    again = _read(producer.post(OUTPUTS, batch[1]))
    assert (again["duplicate"], again["status"], again["decision"]["answer"]) == (True, "decided", "billing")
    (label,) = _labels(producer).values()
    assert (label["answer"], label["wrong"], label["metadata"]) == ("billing", True, {"trace": 7})
    today = timezone.localdate()
    report = _read(producer.get("streams/intents/report", since=today - timedelta(days=1), until=today))
    assert report
    history = _read(producer.get(f"{OUTPUTS}/unsure"))["history"]
    assert isinstance(history, list)


def test_an_audit_revises_an_automated_decision(producer: Producer, desk: Producer, stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": 1, "mode": "after"})
    told = _read(producer.post(OUTPUTS, stream_setup.build_output(confidence=0.9), headers={"Prefer": "wait=5"}), 202)
    assert (told["status"], told["decision"]["answer"], told["pi"]) == ("decided", "refund", 1.0)

    claim = _claim(desk, "rita")
    assert claim["answer_first"]
    assert not {"proposal", "why", "model", "alternatives"} & {
        name for name, value in claim["item"].items() if value not in (None, [], {}, "")
    }
    _say(desk, claim, first="billing", verdict="correct", answer="billing")
    _work()

    items = _read(producer.get(DECISIONS))["items"]
    assert [(item["revision"], item["by"], item["answer"]) for item in items] == [
        (1, "model", "refund"),
        (2, "people", "billing"),
    ]
    assert _labels(producer)["ticket-1"]["blind"] is True


def test_two_reviewers_who_disagree_leave_the_final_say_to_a_lead(
    producer: Producer, desk: Producer, leads_desk: Producer, stream: Stream
) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, reviews=2)
    producer.post(OUTPUTS, stream_setup.build_output())
    _work()
    _say(desk, _claim(desk, "rob"), verdict="agree")
    _work()
    assert _read(producer.get(DECISIONS))["items"] == []
    _say(desk, _claim(desk, "rita"), first="billing", verdict="correct", answer="billing")
    _work()
    assert _read(producer.get(DECISIONS))["items"] == []
    _say(leads_desk, _claim(leads_desk, "ann"), verdict="none", reason="model_error")
    _work()
    (item,) = _read(producer.get(DECISIONS))["items"]
    assert (item["outcome"], item["answer"], item["by"]) == ("rejected", None, "people")


def test_a_withdrawal_is_shown_to_the_reviewer_who_has_the_item_open(producer: Producer, desk: Producer) -> None:
    producer.post(OUTPUTS, stream_setup.build_output())
    _work()
    claim = _claim(desk, "rob")
    assert _read(producer.delete(f"{OUTPUTS}/ticket-1"))["status"] == "withdrawn"
    refused = _read(desk.post(f"claims/{claim['claim']}/verdict", {"verdict": "agree"}), 409)
    assert refused["code"] == "item_withdrawn"
    (item,) = _read(producer.get(DECISIONS))["items"]
    assert item["outcome"] == "withdrawn"


def test_an_expired_deadline_applies_its_default_and_creates_no_label(
    producer: Producer, desk: Producer, stream: Stream
) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, on_deadline="reject")
    producer.post(OUTPUTS, stream_setup.build_output(due_at="2026-03-01T12:00:00Z"))
    _work()
    (item,) = _read(producer.get(DECISIONS))["items"]
    assert (item["outcome"], item["by"]) == ("rejected", "system")
    assert desk.post("queues/intents/claims", {"reviewer": "rob"}).status_code == 204
    assert _labels(producer) == {}


def test_an_undone_verdict_does_not_count(producer: Producer, desk: Producer, stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, undo_seconds=600)
    producer.post(OUTPUTS, stream_setup.build_output())
    _work()
    said = _say(desk, _claim(desk, "rob"), verdict="none")
    fresh = _read(desk.delete(f"verdicts/{said['id']}"))
    _work()
    assert _read(producer.get(DECISIONS))["items"] == []
    _say(desk, fresh, verdict="agree")
    _work()
    assert _read(producer.get(DECISIONS))["items"] == [], "still to be undone"
