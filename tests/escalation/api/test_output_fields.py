"""Every optional field of a posted output does what the schema says it does."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, cast

import pytest
from django.http import StreamingHttpResponse
from django.test import Client

from escalation.decisions import settle
from escalation.models import Stream
from escalation.routing import dispatch
from reviewqueue.kernel import clock
from reviewqueue.models import User
from reviewqueue.queue.claim import claim_next
from tests.helpers import stream_setup
from tests.helpers.stream_setup import Producer

COSTS = {"currency": "EUR", "review": 0.5, "error": 10.0, "value_factor": 0.1}


def _post(producer: Producer, *outputs: dict[str, Any]) -> None:
    assert producer.post("streams/intents/outputs", list(outputs)).status_code == 202
    dispatch.route_received()


def _report(producer: Producer, **query: str) -> dict[str, Any]:
    answer = producer.get("streams/intents/report", **query)
    assert answer.status_code == 200
    report: dict[str, Any] = json.loads(answer.content)
    return report


def _correct_all(rob: User) -> None:
    while claim := claim_next(user=rob, slug="intents"):
        stream_setup.decide_claim(claim, rob, "correct", "billing", first="billing")
    settle.settle_items()


@pytest.mark.parametrize(("costs", "first"), [(COSTS, "large"), ({**COSTS, "value_factor": None}, "small")])
def test_a_larger_value_is_reviewed_first_where_the_policy_prices_it(
    producer: Producer, stream: Stream, rob: User, costs: dict[str, Any], first: str
) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, answer_first_share=0.0, costs=costs)
    _post(
        producer,
        stream_setup.build_output("small", value=1, confidence=0.5),
        stream_setup.build_output("large", value=50_000, confidence=0.55),
    )
    claim = claim_next(user=rob, slug="intents")
    assert claim
    assert claim.item.reference == first


def test_the_value_adds_to_what_a_caught_error_costs(producer: Producer, stream: Stream, rob: User) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, costs=COSTS)
    _post(
        producer,
        stream_setup.build_output("a", value=1_000),
        stream_setup.build_output("b", value=-1_000),
        stream_setup.build_output("c"),
    )
    _correct_all(rob)
    assert _report(producer)["money"]["caught"] == pytest.approx(3 * 10.0 + 0.1 * 1_000)


def test_the_value_adds_to_what_an_undetected_error_costs(producer: Producer, stream: Stream, rob: User) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": 1.0, "mode": "after"}, costs=COSTS)
    _post(producer, *[stream_setup.build_output(f"sure-{n}", confidence=0.9, value=200.0) for n in range(4)])
    assert _report(producer)["money"]["let_through"] is None
    _correct_all(rob)
    found = _report(producer)["money"]["let_through"]
    assert found["estimate"] == pytest.approx(4 * (10.0 + 0.1 * 200))
    assert found["high"] == pytest.approx(4 * (10.0 + 0.1 * 200))


def test_without_a_factor_the_value_costs_nothing(producer: Producer, stream: Stream, rob: User) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, costs={**COSTS, "value_factor": None})
    _post(producer, stream_setup.build_output("a", value=1_000))
    _correct_all(rob)
    assert _report(producer)["money"]["caught"] == pytest.approx(10.0)


def test_a_report_by_occurrence_counts_outputs_on_the_day_of_occurred_at(producer: Producer, stream: Stream) -> None:
    now = clock.current_time()
    today, before = clock.team_date(now), clock.team_date(now - timedelta(days=3))
    occurred = (now - timedelta(days=3)).isoformat()
    too_old = (now - timedelta(days=40)).isoformat()
    _post(
        producer,
        stream_setup.build_output("late", occurred_at=occurred),
        stream_setup.build_output("too late", occurred_at=too_old),
        stream_setup.build_output("now"),
    )
    received = _report(producer)
    assert received["by"] == "received"
    assert {day["day"]: day["received"] for day in received["days"] if day["received"]} == {today.isoformat(): 3}
    by_occurrence = _report(producer, by="occurred")
    assert by_occurrence["by"] == "occurred"
    counted = {day["day"]: day["received"] for day in by_occurrence["days"] if day["received"]}
    assert counted == {before.isoformat(): 1, today.isoformat(): 1}
    assert by_occurrence["throughput"]["received"] == 2
    # Received later than 31 days after it occurred: no report by occurrence has it.
    old = clock.team_date(now - timedelta(days=40)).isoformat()
    assert _report(producer, by="occurred", since=old, until=old)["throughput"]["received"] == 0
    day = before.isoformat()
    assert _report(producer, by="occurred", since=day, until=day)["throughput"]["received"] == 1
    assert _report(producer, since=day, until=day)["throughput"]["received"] == 0


def test_a_report_by_something_else_is_refused(producer: Producer) -> None:
    assert producer.get("streams/intents/report", by="group").status_code == 400


def test_group_value_and_occurred_at_are_exported_with_labels(producer: Producer, stream: Stream, rob: User) -> None:
    _post(
        producer,
        stream_setup.build_output("full", group="thread-77", value=12.5, occurred_at="2026-11-23T08:00:00Z"),
        stream_setup.build_output("bare"),
    )
    _correct_all(rob)
    answer = producer.get("streams/intents/labels")
    assert isinstance(answer, StreamingHttpResponse)
    lines = [json.loads(line) for line in b"".join(cast("Iterable[bytes]", answer)).splitlines()]
    assert {line["id"]: (line["group"], line["value"], line["occurred_at"]) for line in lines} == {
        "full": ("thread-77", 12.5, "2026-11-23T08:00:00Z"),
        "bare": (None, None, None),
    }


def test_an_outputs_page_shows_its_group_which_finds_the_others(
    client: Client, producer: Producer, stream: Stream, mara: User
) -> None:
    _post(
        producer,
        stream_setup.build_output("a", group="thread 77 & more", occurred_at="2026-11-23T08:00:00Z"),
        stream_setup.build_output("b", group="thread 77 & more"),
        stream_setup.build_output("c", group="thread 7"),
    )
    client.force_login(mara)
    page = client.get("/streams/intents/outputs/a/").content.decode()
    link = "/streams/intents/outputs/?group=thread%2077%20%26%20more"
    assert f'<a href="{link}">thread 77 &amp; more</a>' in page
    assert "occurred 23 Nov 2026" in page
    listed = client.get(link).content.decode()
    assert [name for name in "abc" if f"/streams/intents/outputs/{name}/" in listed] == ["a", "b"]


def test_the_report_page_and_its_links_count_by_occurrence(
    client: Client, producer: Producer, stream: Stream, mara: User
) -> None:
    now = clock.current_time()
    day = clock.team_date(now - timedelta(days=3)).isoformat()
    _post(
        producer,
        stream_setup.build_output("late", confidence=0.9, occurred_at=(now - timedelta(days=3)).isoformat()),
        stream_setup.build_output("now", confidence=0.9),
    )
    client.force_login(mara)
    page = client.get("/streams/intents/report/", {"by": "occurred", "since": day, "until": day}).content.decode()
    assert "1 of 1 outputs" in page
    assert "between 1 day before and 31 days after this period" in page
    link = f"/streams/intents/outputs/?route=auto&since={day}&until={day}&by=occurred"
    assert link.replace("&", "&amp;") in page
    listed = client.get(link).content.decode()
    assert "/streams/intents/outputs/late/" in listed
    assert "/streams/intents/outputs/now/" not in listed


def test_the_search_offers_no_state_or_reason_that_nothing_has(client: Client, stream: Stream, mara: User) -> None:
    client.force_login(mara)
    page = client.get("/streams/intents/outputs/").content.decode()
    assert '<option value="withdrawn">' in page
    assert '<option value="stopped">' in page
    assert '<option value="erased">' not in page
    assert '<option value="overload">' not in page
