"""The export of labelled data: outputs settled by people, and nothing else."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from escalation.decisions import deadlines, settle, withdraw
from escalation.exports import labels
from escalation.exports.labels import export_labels as labels_labels
from escalation.guarantees import evaluations, group_results
from escalation.models import Evaluation, Outcome, Output, Stream
from reviewqueue.models import User
from tests.escalation.guarantees.test_evaluations import honest
from tests.helpers import measured_recall, stream_history, stream_setup, traffic
from tests.helpers.traffic import NOON


def _lines(stream: Stream, *, include_audits: bool = False) -> list[dict[str, Any]]:
    return [json.loads(line) for line in b"".join(labels_labels(stream, include_audits=include_audits)).splitlines()]


def _judged(stream: Stream, user: User, count: int, *verdict: Any) -> None:
    for _ in range(count):
        stream_setup.judge_next(user, *verdict)
    settle.settle_items()


def test_an_exported_line_has_all_evidence_fields(stream: Stream, rob: User) -> None:
    stream_setup.route_outputs(
        stream, stream_setup.build_output(segment={"language": "en"}, metadata={"trace": 1}, model_version="7")
    )
    _judged(stream, rob, 1, "correct", "billing")
    (line,) = _lines(stream)
    expected = {
        "id": "ticket-1",
        "model": "intent-clf",
        "model_version": "7",
        "schema_number": 1,
        "input": {"text": "I was charged twice"},
        "prediction": "refund",
        "outcome": "answered",
        "answer": "billing",
        "wrong": True,
        "overturned": True,
        "blind": False,
        "reviews": 1,
        "confidence": 0.62,
        "pi": 1.0,
        "p": 0.0,
        "reason": "below_threshold",
        "threshold": 0.8,
        "policy": 1,
        "segment": {"language": "en"},
        "metadata": {"trace": 1},
    }
    assert {name: line[name] for name in expected} == expected
    assert 0 <= line["u"] < 1
    assert line["settled_at"] > line["received_at"]


def test_only_settled_outputs_are_exported_as_labels(stream: Stream, rob: User) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, on_deadline="reject")
    stream_setup.route_outputs(
        stream,
        stream_setup.build_output("handled by the model", confidence=0.9),
        stream_setup.build_output("past its deadline", due_at="2026-03-01T12:00:00Z"),
        stream_setup.build_output("withdrawn"),
    )
    deadlines.answer_overdue_outputs(now=datetime(2026, 3, 2, tzinfo=UTC))
    _judged(stream, rob, 1)
    assert [line["id"] for line in _lines(stream)] == ["withdrawn"]
    withdraw.withdraw_output(stream=stream, external_id="withdrawn", actor="key:1")
    assert _lines(stream) == []


def test_pages_are_joined_without_gaps_or_repeats(stream: Stream, rob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "PAGE_ROWS", 2)
    stream_setup.create_stream("invoices")
    stream_setup.route_outputs(stream, *stream_setup.build_outputs(5))
    _judged(stream, rob, 5)
    assert sorted(line["id"] for line in _lines(stream)) == [f"ticket-{number}" for number in range(1, 6)]
    assert _lines(stream_setup.create_stream("invoices")) == []


def test_a_line_break_in_a_text_does_not_break_the_line(stream: Stream, rob: User) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output(input={"text": "a\nb\r\u2028c"}))
    _judged(stream, rob, 1)
    (line,) = _lines(stream)
    assert line["input"] == {"text": "a\nb\r\u2028c"}


def test_an_evaluation_can_be_recomputed_from_the_export_with_audits(queue: object) -> None:
    """As documented: some audits are unjudgeable, some have no answer, others were answered later."""
    rule = {"name": "large", "when": {"prediction": {"eq": "billing"}}}
    stream = traffic.apply_stream(policy={"threshold": 0.9, "audit": {"rate": 0.5, "mode": "after"}, "rules": [rule]})
    labels = ["billing" if index % 10 == 0 else "refund" for index in range(3000)]
    stream_history.write_history(
        stream, *honest(3000), predicted=labels, answered=[index < 2900 for index in range(3000)]
    )
    right = Outcome.objects.filter(output__route__u__lt=0.5, output__route__eligible=True, wrong=False).order_by("pk")
    taken_back, unjudged, seen_before, late = itertools.batched(right[:40], 10)
    _change(taken_back, Output, state=Output.State.WITHDRAWN)
    Outcome.objects.filter(pk__in=[one.pk for one in (*taken_back[:5], *late)]).delete()
    _change(unjudged, Outcome, wrong=None, outcome="unjudgeable")
    _change(seen_before, Outcome, blind=False)
    measured_recall.set_error_target(stream=stream, max_error=0.2, actor="user:mara", now=NOON)
    evaluation = evaluations.run_evaluation(stream, by="user:mara", now=NOON + timedelta(days=30))
    Outcome.objects.bulk_create(late)
    _change(late, Outcome, settled_at=evaluation.asked_at + timedelta(hours=1), wrong=None)
    (group,) = group_results.parse_group_results(evaluation)
    assert group.threshold is not None
    counted = [line for line in _lines(stream, include_audits=True) if _counts(line, evaluation, group.threshold)]
    wrong = [line for line in counted if not _is_right(line, evaluation)]
    assert evaluation.overdue > 15
    assert (len(counted), len(wrong)) == (group.accepted, group.wrong)


def _change(outcomes: Sequence[Outcome], of: type[Outcome] | type[Output], **fields: Any) -> None:
    of._default_manager.filter(pk__in=[one.pk for one in outcomes]).update(**fields)


def _counts(line: dict[str, Any], evaluation: Evaluation, threshold: float) -> bool:
    return (
        (line["model"], line["model_version"], line["schema_number"])
        == (evaluation.model, evaluation.model_version, evaluation.schema_number)
        and evaluation.first_id <= int(line["number"]) < evaluation.last_id
        and line["u"] < line["p"]
        and line["confidence"] >= threshold
        and not line["reason"].startswith("rule:")
    )


def _is_right(line: dict[str, Any], evaluation: Evaluation) -> bool:
    """At the time of the evaluation."""
    answered_later = line["round"] == 1 and datetime.fromisoformat(line["settled_at"]) > evaluation.asked_at
    return bool(line["blind"] and line["wrong"] is False and not answered_later)


def test_the_export_has_no_content_of_withdrawn_outputs(stream: Stream, rob: User) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": 1.0, "mode": "after"})
    stream_setup.route_outputs(stream, stream_setup.build_output("judged", confidence=0.9))
    stream_setup.judge_next(rob, "agree", first="billing")
    settle.settle_items()
    stream_setup.route_outputs(
        stream,
        stream_setup.build_output("unjudged", confidence=0.9),
        stream_setup.build_output("waits", confidence=0.9),
    )
    for taken_back in ("judged", "unjudged"):
        withdraw.withdraw_output(stream=stream, external_id=taken_back, actor="key:1")
    assert _lines(stream) == []
    judged, unjudged, waits = _lines(stream, include_audits=True)
    fields = ("id", "status", "input", "metadata", "answer", "prediction", "outcome", "wrong")
    assert [judged[name] for name in fields] == ["judged", "withdrawn", None, None, None, "refund", "answered", True]
    assert [unjudged[name] for name in fields] == ["unjudged", "withdrawn", None, None, None, "refund", None, None]
    assert [waits[name] for name in fields[:3]] == ["waits", "decided", {"text": "I was charged twice"}]
