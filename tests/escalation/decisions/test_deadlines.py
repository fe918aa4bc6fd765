"""Overdue outputs are answered as their policy says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from escalation.decisions import deadlines, settle
from escalation.models import Route, Stream
from escalation.policies import versions
from escalation.routing import record
from escalation.routing.stop import stop_stream
from escalation.streams import definition
from reviewqueue.models import Event, Item, Label, User
from reviewqueue.queue.claim import claim_next, release_claim
from tests.helpers import stream_setup

SOON, LATER = "2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC)


def _overdue(stream: Stream, **fields: Any) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output(due_at=SOON, **fields))


@pytest.mark.parametrize(
    ("what", "answer", "state"),
    [
        ("accept", ("answered", "refund"), "decided"),
        ("reject", ("rejected", None), "decided"),
        ("hold", None, "in_review"),
    ],
)
def test_an_overdue_output_is_answered_as_its_policy_says(
    stream: Stream, what: str, answer: tuple[Any, ...] | None, state: str
) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, deadline_hours=999, on_deadline=what)
    _overdue(stream)
    expected = [] if answer is None else [(1, "system", *answer)]
    assert deadlines.answer_overdue_outputs(now=LATER) == len(expected)
    assert stream_setup.list_revisions() == expected
    assert stream_setup.find_output(stream).state == state
    assert Item.objects.get().state == ("open" if answer is None else "expired")
    assert not Label.objects.exists(), "a time-out is never a label"
    assert deadlines.answer_overdue_outputs(now=LATER) == 0
    assert Event.objects.filter(verb="outputs.timed_out", queue="intents").count() == len(expected)


def test_before_its_deadline_nothing_is_answered(stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, on_deadline="accept")
    _overdue(stream)
    assert deadlines.answer_overdue_outputs(now=LATER - timedelta(seconds=2)) == 0


@pytest.mark.parametrize(
    ("routed", "present", "answered"),
    [
        ("accept", "hold", 0),
        ("accept", "reject", 0),
        ("accept", "accept", 1),
        ("hold", "accept", 0),
        ("reject", "hold", 1),
    ],
)
def test_accepting_at_the_deadline_takes_the_routing_and_the_present_policy(
    stream: Stream, routed: str, present: str, answered: int
) -> None:
    stream_setup.activate_policy(stream, threshold=0.7, on_deadline=routed)
    _overdue(stream)
    stream_setup.activate_policy(stream, threshold=0.9, on_deadline=present, hours=2)
    assert deadlines.answer_overdue_outputs(now=LATER) == answered


def test_one_managers_stricter_policy_holds_what_was_to_be_accepted(stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, on_deadline="accept")
    _overdue(stream)
    strict = versions.validate_spec({"threshold": 0.8, "undo_seconds": 0})
    assert versions.propose_version(stream=stream, spec=strict, actor="user:mara").active
    assert deadlines.answer_overdue_outputs(now=LATER) == 0


def test_a_deadline_accepts_nothing_that_the_present_policy_does_not_cover(stream: Stream) -> None:
    accepting: dict[str, Any] = {"threshold": 0.8, "on_deadline": "accept"}
    stream_setup.activate_policy(stream, **accepting)
    _overdue(stream, model_version="v1")
    stream_setup.activate_policy(stream, **accepting, model_versions=["v2"], hours=2)
    assert deadlines.answer_overdue_outputs(now=LATER) == 0, "its model version is not trusted any more"
    stream_setup.activate_policy(stream, **accepting, model_versions=["v1", "v2"], hours=3)
    fewer = {"slug": "intents", "title": "Support intents", "answers": ["billing", "card_arrival"]}
    (changed,) = definition.parse_definitions({"streams": [fewer]})
    definition.apply_definition(changed, actor="user:mara", now=stream_setup.LONG_AGO + timedelta(hours=4))
    assert deadlines.answer_overdue_outputs(now=LATER) == 0, "its answers have changed"


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ({"rules": [{"name": "refunds", "when": {"prediction": {"eq": "refund"}}}]}, "rule:refunds"),
        ({"rules": [{"name": "large", "when": {"value": {"gte": 1000}}}]}, "rule_unevaluable:large"),
        ({"model_versions": ["v2"]}, "unknown_model_version"),
    ],
)
def test_a_deadline_never_accepts_what_always_goes_to_review(
    stream: Stream, policy: dict[str, Any], reason: str
) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, on_deadline="accept", **policy)
    _overdue(stream, confidence=0.99)
    assert Route.objects.get().reason == reason
    assert deadlines.answer_overdue_outputs(now=LATER) == 0


def test_a_held_audit_and_a_held_label_follow_the_deadline(stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, on_deadline="accept", audit={"rate": 1, "mode": "hold"})
    _overdue(stream, confidence=0.99)
    many = stream_setup.create_stream(
        "many",
        answers=["insult", "threat"],
        multiple=True,
        policy={"threshold": 0.8, "thresholds": {"threat": 0.99}, "on_deadline": "accept"},
    )
    _overdue(many, prediction=["threat"], confidence=0.9)
    assert deadlines.answer_overdue_outputs(now=LATER) == 2


@pytest.mark.parametrize("hindrance", ["confidence", "stop", "stop of all", "routed while stopped", "overload"])
def test_a_deadline_never_accepts_what_must_not_be_automated(stream: Stream, hindrance: str) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, on_deadline="accept")
    if hindrance == "routed while stopped":
        stop = stop_stream(stream=stream, by="user:mara")
    _overdue(stream, confidence=None if hindrance == "confidence" else 0.5)
    match hindrance:
        case "stop":
            stop_stream(stream=stream, by="user:mara")
        case "stop of all":
            stop_stream(stream=None, by="user:mara")
        case "routed while stopped":
            stream_setup.resume_automation(stop)
        case "overload":
            Stream.objects.update(waiting=10_000)
    assert deadlines.answer_overdue_outputs(now=LATER) == 0
    assert stream_setup.find_output(stream).state == "in_review"


def test_a_deadline_never_accepts_an_output_that_failed_routing(stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, on_deadline="accept")
    results = stream_setup.post_outputs(stream, stream_setup.build_output(due_at=SOON, confidence=0.1))
    assert results[0].output_id
    assert record.send_to_people([results[0].output_id], reason="dispatch_failed", now=LATER) == 1
    assert deadlines.answer_overdue_outputs(now=LATER) == 0


def test_a_stop_does_not_prevent_rejection_at_the_deadline(stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, on_deadline="reject")
    _overdue(stream)
    stop_stream(stream=stream, by="user:mara")
    assert deadlines.answer_overdue_outputs(now=LATER) == 1


def test_an_active_reservation_takes_precedence_over_the_deadline(stream: Stream, rob: User) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, on_deadline="accept")
    _overdue(stream)
    claim = claim_next(user=rob, slug="intents", now=LATER)
    assert claim
    assert deadlines.answer_overdue_outputs(now=LATER) == 0
    release_claim(claim_id=claim.id, user=rob, now=LATER)
    assert deadlines.answer_overdue_outputs(now=LATER) == 1


def test_a_pending_verdict_takes_precedence_over_the_deadline(stream: Stream, rob: User) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, on_deadline="accept", undo_seconds=30)
    _overdue(stream)
    stream_setup.judge_next(rob, "correct", "billing")
    assert deadlines.answer_overdue_outputs(now=datetime.now(UTC)) == 0
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert deadlines.answer_overdue_outputs(now=later) == 0, "settled first, even when the sweep comes late"
    assert settle.settle_items(now=later) == 1
    assert stream_setup.list_revisions() == [(1, "people", "answered", "billing")]


def test_an_audit_of_an_automated_output_has_no_deadline(stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, on_deadline="reject", audit={"rate": 1, "mode": "after"})
    _overdue(stream, confidence=0.9)
    assert deadlines.answer_overdue_outputs(now=LATER) == 0


@pytest.mark.django_db
@pytest.mark.parametrize(("confidence", "answered"), [(0.6, 1), (..., 0)])
def test_a_deadline_accepts_an_unsure_field_but_none_of_which_the_model_said_nothing(
    confidence: Any, answered: int
) -> None:
    schema = {"type": "object", "properties": {name: {"type": "number"} for name in ("total", "tax")}}
    policy = {"threshold": 0.8, "thresholds": {"/total": 0.9}, "on_deadline": "accept"}
    stream = stream_setup.create_stream("fields", answers=None, schema=schema, policy=policy)
    _overdue(stream, prediction={"total": 1, "tax": 2}, confidence=confidence, scores={"total": 0.5})
    assert deadlines.answer_overdue_outputs(now=LATER) == answered
