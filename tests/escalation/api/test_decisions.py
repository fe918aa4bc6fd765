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


_CURSOR = "`after` must be the `next` of an earlier page, or left out to start at the beginning"
BAD_QUERIES: list[tuple[dict[str, Any], str, str]] = [
    ({"after": "nonsense"}, "/after", f'{_CURSOR} (got the text "nonsense")'),
    ({"after": "x" * 41}, "/after", _CURSOR),
    ({"after": "a\0.1"}, "/after", _CURSOR),
    ({"limit": "0"}, "/limit", '`limit` must be a whole number from 1 to 1000 (got the text "0")'),
    ({"limit": "1001"}, "/limit", "`limit` must be a whole number from 1 to 1000"),
    ({"limit": "many"}, "/limit", "`limit` must be a whole number from 1 to 1000"),
    ({"limit": ""}, "/limit", "`limit` must be a whole number from 1 to 1000"),
    ({"limit": ["1", "2"]}, "/limit", "`limit` must be sent once"),
    ({"wait": "-1"}, "/wait", '`wait` must be a number from 0 to 20 (got the text "-1")'),
    ({"wait": "21"}, "/wait", "`wait` must be a number from 0 to 20"),
    ({"wait": "soon"}, "/wait", "`wait` must be a number from 0 to 20"),
    ({"wait": "nan"}, "/wait", "`wait` must be a number from 0 to 20"),
    ({"wait": "1e999"}, "/wait", "`wait` must be a number from 0 to 20"),
    ({"cursor": "x"}, "/cursor", "unknown parameter `cursor`; known are `after`, `limit`, `wait`"),
    ({"Limit": "1"}, "/Limit", "unknown parameter `Limit`; did you mean `limit`?"),
    ({"stream__slug": "invoices"}, "/stream__slug", "unknown parameter `stream__slug`"),
]


def test_an_invalid_feed_query_is_refused_with_its_place_and_rule(producer: Producer) -> None:
    for query, pointer, sentence in BAD_QUERIES:
        answer = producer.get(DECISIONS, **query)
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), query
        (error,) = json.loads(answer.content)["errors"]
        assert (error["pointer"], sentence in error["detail"]) == (pointer, True), (query, error)


def test_a_cursor_from_before_a_restore_has_expired(producer: Producer) -> None:
    answer = producer.get(DECISIONS, after="abcd1234.1")
    assert (answer.status_code, json.loads(answer.content)["code"]) == (410, "cursor_expired")


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
