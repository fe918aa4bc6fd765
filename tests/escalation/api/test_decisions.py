"""The decisions feed over HTTP: pages, cursors, and waiting for new decisions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse

from escalation.api import decisions
from escalation.decisions import feed
from escalation.models import Stream
from tests.helpers import stream_setup
from tests.helpers.stream_setup import Producer

DECISIONS = "streams/intents/decisions"


def _page(answer: HttpResponse) -> dict[str, Any]:
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json"), answer.content
    page: dict[str, Any] = json.loads(answer.content)
    return page


def test_paging_reaches_the_end_of_the_feed_and_stays_there(producer: Producer, stream: Stream) -> None:
    stream_setup.route_outputs(stream, *stream_setup.build_outputs(5, confidence=0.9))
    cursor, seen = "", []
    while items := (page := _page(producer.get(DECISIONS, after=cursor, limit=2)))["items"]:
        assert len(items) <= 2
        seen += [item["id"] for item in items]
        cursor = page["next"]
    assert seen == [f"ticket-{number}" for number in range(1, 6)]
    assert _page(producer.get(DECISIONS, after=cursor)) == {"items": [], "next": cursor}


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"after": "nonsense"}, 400, "invalid"),
        ({"after": "abcd1234.1"}, 410, "cursor_expired"),
        ({"after": "x" * 41}, 400, "invalid"),
        ({"after": "a\0.1"}, 400, "invalid"),
        ({"limit": "0"}, 400, "invalid"),
        ({"limit": "1001"}, 400, "invalid"),
        ({"limit": "many"}, 400, "invalid"),
        ({"wait": "-1"}, 400, "invalid"),
        ({"wait": "21"}, 400, "invalid"),
        ({"wait": "soon"}, 400, "invalid"),
        ({"wait": "nan"}, 400, "invalid"),
        ({"stream__slug": "invoices"}, 400, "invalid"),
    ],
)
def test_an_invalid_feed_query_is_a_problem(producer: Producer, query: dict[str, str], status: int, code: str) -> None:
    answer = producer.get(DECISIONS, **query)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert json.loads(answer.content)["code"] == code


def test_a_key_cannot_read_the_feed_of_another_stream(stream: Stream, holding: Callable[..., Producer]) -> None:
    stream_setup.create_stream("invoices")
    assert holding("decisions:read", streams=("invoices",)).get(DECISIONS).status_code == 404
    assert holding("outputs:write").get(DECISIONS).status_code == 403


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The sleeps that were requested; time advances by them without sleeping."""
    taken: list[float] = []
    monkeypatch.setattr("time.monotonic", lambda: sum(taken))
    monkeypatch.setattr("time.sleep", taken.append)
    return taken


def test_a_waiting_reader_gets_a_new_decision_at_once(
    producer: Producer, stream: Stream, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            stream_setup.route_outputs(stream, stream_setup.build_output(confidence=0.9))

    monkeypatch.setattr("time.sleep", nap)
    page = _page(producer.get(DECISIONS, wait=20))
    assert [item["id"] for item in page["items"]] == ["ticket-1"]
    assert len(naps) == 3


def test_waiting_ends_after_the_requested_time(producer: Producer, naps: list[float]) -> None:
    assert _page(producer.get(DECISIONS, wait=2))["items"] == []
    assert sum(naps) == pytest.approx(2, abs=decisions.POLL_SECONDS)


def test_a_reader_who_does_not_wait_is_answered_at_once(producer: Producer, naps: list[float]) -> None:
    assert _page(producer.get(DECISIONS, wait=0))["items"] == []
    assert naps == []


def test_the_third_waiter_is_answered_at_once(producer: Producer, naps: list[float]) -> None:
    held = [decisions._waiters.acquire(blocking=False) for _ in range(2)]
    try:
        assert held == [True, True]
        assert _page(producer.get(DECISIONS, wait=20))["items"] == []
        assert naps == []
    finally:
        for _ in held:
            decisions._waiters.release()
    _page(producer.get(DECISIONS, wait=1))
    assert naps


def test_a_failed_wait_releases_its_slot(
    producer: Producer, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(seconds: float) -> None:
        raise feed.CursorExpired("restored")

    with monkeypatch.context() as patched:
        patched.setattr("time.sleep", fail)
        for _ in range(3):
            assert producer.get(DECISIONS, wait=20).status_code == 410
    _page(producer.get(DECISIONS, wait=1))
    assert naps
