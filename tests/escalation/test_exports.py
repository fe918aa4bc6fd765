"""Labelled data: what people settled, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from escalation import exports, outcomes
from escalation.models import Stream
from reviewqueue.models import User
from tests import making


def _lines(stream: Stream) -> list[dict[str, Any]]:
    return [json.loads(line) for line in b"".join(exports.labels(stream)).splitlines()]


def _judged(stream: Stream, user: User, count: int, *said: Any) -> None:
    for _ in range(count):
        making.judge(user, *said)
    outcomes.settle()


def test_a_line_is_evidence(stream: Stream, rob: User) -> None:
    making.routed(stream, making.element(segment={"language": "en"}, metadata={"trace": 1}, model_version="7"))
    _judged(stream, rob, 1, "correct", "billing")
    (line,) = _lines(stream)
    told = {
        "id": "ticket-1",
        "model": "intent-clf",
        "model_version": "7",
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
    assert {name: line[name] for name in told} == told
    assert 0 <= line["u"] < 1
    assert line["settled_at"] > line["received_at"]


def test_nothing_that_people_did_not_settle_is_a_label(stream: Stream, rob: User) -> None:
    making.activate(stream, threshold=0.8, on_deadline="reject")
    making.routed(
        stream,
        making.element("handled by the model", confidence=0.9),
        making.element("past its deadline", due_at="2026-03-01T12:00:00Z"),
        making.element("withdrawn"),
    )
    outcomes.expire(now=datetime(2026, 3, 2, tzinfo=UTC))
    _judged(stream, rob, 1)
    assert [line["id"] for line in _lines(stream)] == ["withdrawn"]
    outcomes.withdraw(stream=stream, external_id="withdrawn", actor="key:1")
    assert _lines(stream) == []


def test_pages_are_joined_without_a_seam(stream: Stream, rob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PAGE", 2)
    monkeypatch.setattr(exports, "_PAGE", exports._PAGE)
    making.stream("invoices")
    making.routed(stream, *making.elements(5))
    _judged(stream, rob, 5)
    assert sorted(line["id"] for line in _lines(stream)) == [f"ticket-{number}" for number in range(1, 6)]
    assert _lines(making.stream("invoices")) == []


def test_a_line_break_in_a_text_does_not_break_the_line(stream: Stream, rob: User) -> None:
    making.routed(stream, making.element(input={"text": "a\nb\r\u2028c"}))
    _judged(stream, rob, 1)
    (line,) = _lines(stream)
    assert line["input"] == {"text": "a\nb\r\u2028c"}
