"""Passing on, asking the lead, unjudgeable items and error types: counted, in the history, exported and searchable."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from django.test import Client

from escalation.exports import labels
from escalation.models import Stream
from escalation.outputs import history
from escalation.reports import report_json, stream_report
from reviewqueue.models import Queue, User, Verdict
from reviewqueue.queue.claim import claim_next
from reviewqueue.queue.passing import pass_item
from reviewqueue.reports import reviews
from reviewqueue.verdicts import submit
from tests.helpers import stream_setup, traffic

DAY, NEXT = date(2025, 3, 10), date(2025, 3, 11)
PATH = f"/streams/intents/outputs/?since={DAY}&until={DAY}"


@pytest.fixture
def stream(queue: Queue) -> Stream:
    return traffic.apply_stream(error_types=["wrong intent", "two intents"])


def _act(who: User, *, passing: str = "", **verdict: Any) -> str:
    """Take the next item at noon, and pass it on or judge it; returns its reference."""
    now = traffic.shift_noon(minutes=1)
    claim = claim_next(user=who, slug="intents", now=now)
    assert claim is not None
    if passing:
        pass_item(claim_id=claim.id, user=who, reason=passing, now=now)
    else:
        submit.submit_verdict(claim_id=claim.id, user=who, now=now, **verdict)
    return claim.item.reference


@pytest.fixture
def acted(stream: Stream, rob: User) -> dict[str, str]:
    """One action of each kind, and the output it was about."""
    traffic.post_and_route(stream, *traffic.number_ids("unsure", 6), confidence=0.4)
    found = {
        "pass": _act(rob, passing="conflict"),
        "escalate": _act(rob, kind="escalate", reason="not_sure"),
        "unjudgeable": _act(rob, kind="unjudgeable", reason="unreadable"),
        "mistake": _act(rob, kind="correct", answer="billing", error_type="two intents"),
    }
    _act(rob, kind="escalate")
    traffic.settle_all(now=traffic.shift_noon(minutes=2))
    return found


def test_the_report_counts_actions_by_reason(stream: Stream, acted: dict[str, str]) -> None:
    found = report_json.report_as_json(
        stream_report.build_report(stream=stream, since=DAY, until=DAY, now=traffic.shift_noon(hours=1))
    )
    assert found["acts"] == {
        "passed": {"total": 1, "reasons": {"conflict": 1}},
        "asked_lead": {"total": 2, "reasons": {"": 1, "not_sure": 1}},
        "unjudgeable": {"total": 1, "reasons": {"unreadable": 1}},
    }
    assert found["error_types"] == {"two intents": 1}
    empty = stream_report.build_report(stream=stream, since=NEXT, until=NEXT, now=traffic.shift_noon(hours=1))
    assert empty.actions == {act: {} for act in reviews.COUNTED_ACTIONS}


def test_undone_and_automatic_actions_are_not_counted(stream: Stream, acted: dict[str, str]) -> None:
    stream_setup.run_sql("UPDATE reviewqueue_pass SET reason = 'judged_original'")
    Verdict.objects.filter(kind="unjudgeable").update(undone_at=traffic.shift_noon(minutes=3))
    acts = stream_report.build_report(stream=stream, since=DAY, until=DAY).actions
    assert (acts["pass"], acts["unjudgeable"]) == ({}, {})


def test_each_count_links_to_the_matching_outputs(
    client: Client, stream: Stream, acted: dict[str, str], mara: User
) -> None:
    client.force_login(mara, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/streams/intents/report/?since={DAY}&until={DAY}").content.decode()
    codes = {"pass": "conflict", "escalate": "not_sure", "unjudgeable": "unreadable", "mistake": "two%20intents"}
    for act, code in codes.items():
        assert f"?act={act}&amp;code={code}&amp;since={DAY}&amp;until={DAY}" in page
        rows = client.get(f"{PATH}&act={act}&code={code}").content.decode()
        assert {one for one in traffic.number_ids("unsure", 6) if f">{one}<" in rows} == {acted[act]}
    assert "I know the person or the case" in page


def test_search_hides_others_actions_on_open_items_from_reviewers(
    client: Client, stream: Stream, acted: dict[str, str], ann: User
) -> None:
    client.force_login(ann, backend="django.contrib.auth.backends.ModelBackend")
    rows = client.get(f"{PATH}&act=escalate&code=not_sure").content.decode()
    assert acted["escalate"] not in rows


def test_the_history_shows_the_reason_and_the_error_type(stream: Stream, acted: dict[str, str]) -> None:
    texts = {
        act: " ".join(line.text for line in history.build_output_history(stream_setup.find_output(stream, acted[act])))
        for act in acted
    }
    assert "Passed it to someone else: I know the person or the case." in texts["pass"]
    assert "Asked the lead; reason: I’m not sure" in texts["escalate"]  # noqa: RUF001 - an apostrophe
    assert "Chose “Can’t be judged”; reason: Cut off or unreadable" in texts["unjudgeable"]  # noqa: RUF001
    assert "Gave another answer: “billing”; error type: two intents" in texts["mistake"]


def test_labels_have_the_error_types_of_their_verdicts(stream: Stream, acted: dict[str, str]) -> None:
    lines = {line["id"]: line for line in map(json.loads, b"".join(labels.export_labels(stream)).splitlines())}
    assert lines[acted["mistake"]]["error_types"] == ["two intents"]
    assert lines[acted["unjudgeable"]]["error_types"] == []


@pytest.mark.parametrize("query", ["act=passed", "act=pass&code=" + "x" * 61, "act=pass&code=%00", "code=conflict"])
def test_invalid_search_parameters_return_a_page(client: Client, stream: Stream, mara: User, query: str) -> None:
    client.force_login(mara, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(f"/streams/intents/outputs/?{query}").status_code == 200
