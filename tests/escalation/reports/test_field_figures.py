"""The figures of single fields, in the report and in the label export."""

from __future__ import annotations

import json
from typing import Any

import pytest

from escalation.decisions import withdraw
from escalation.exports import labels
from escalation.models import Route, Stream
from escalation.outputs import search
from escalation.outputs.search import OutputQuery
from escalation.reports import report_json
from reviewqueue.models import User
from tests.escalation.reports.test_stream_report import DAY, build
from tests.helpers import traffic

SCHEMA = {"type": "object", "properties": {"total": {"type": "number"}, "supplier": {"type": "string"}}}
POLICY = {"threshold": 0.8, "thresholds": {"/total": 0.9}, "audit": {"rate": 1.0, "mode": "after"}}


def _invoice_stream(**policy: Any) -> Stream:
    return traffic.apply_stream(answers=None, schema=SCHEMA, policy=POLICY | policy)


def _post(stream: Stream, *ids: str, **fields: Any) -> None:
    traffic.post_and_route(stream, *ids, prediction={"total": 12, "supplier": "A"}, **fields)


def _fields(stream: Stream) -> dict[str, dict[str, Any]]:
    figures = report_json.report_as_json(build(stream))
    return {one["field"]: one for one in figures["fields"]}


@pytest.mark.usefixtures("queue")
def test_each_field_has_its_own_share_and_its_own_error_rate(rob: User) -> None:
    stream = _invoice_stream()
    _post(stream, *traffic.number_ids("sure", 3), confidence=0.95)
    _post(stream, *traffic.number_ids("unsure", 2), confidence=0.95, scores={"total": 0.5})
    found = _fields(stream)
    assert {field: (one["received"], one["automatic"]) for field, one in found.items()} == {
        "/total": (5, 3), "/supplier": (5, 3),
    }  # fmt: skip
    # Of the totals, only those at or above the threshold say something about the error rate of automated ones.
    assert {field: one["error_rate"]["drawn"] for field, one in found.items()} == {"/total": 3, "/supplier": 5}
    assert {one["error_rate"]["rate"] for one in found.values()} == {None}
    traffic.judge_all(rob, lambda _: {"total": 13, "supplier": "a"}, now=traffic.NOON)
    rates = {field: one["error_rate"] for field, one in _fields(stream).items()}
    assert (rates["/total"]["checked"], rates["/total"]["wrong"], rates["/total"]["rate"]) == (3, 3, 1.0)
    assert (rates["/supplier"]["checked"], rates["/supplier"]["wrong"], rates["/supplier"]["rate"]) == (5, 0, 0.0)
    assert rates["/supplier"]["high"] > 0


@pytest.mark.usefixtures("queue")
def test_audits_of_fields_say_nothing_about_whole_documents(rob: User) -> None:
    stream = _invoice_stream()
    _post(stream, "sure", confidence=0.95)
    traffic.judge_all(rob, lambda _: {"total": 12, "supplier": "A"}, now=traffic.NOON)
    found = build(stream)
    assert (found.throughput.automated, found.throughput.to_people) == (1, 1)
    assert (found.error_rate.rate, found.error_rate.drawn) == (None, 0)
    # Managers find it among the audited outputs all the same.
    query = OutputQuery(found="checked", since=DAY, until=DAY)
    assert [one.external_id for one in search.search_outputs(streams=[stream], query=query, judging=False).outputs] == [
        "sure"
    ]


@pytest.mark.usefixtures("queue")
def test_audits_of_whole_answers_count_for_each_field(rob: User) -> None:
    stream = _invoice_stream(thresholds={})
    _post(stream, *traffic.number_ids("sure", 2), confidence=0.95)
    _post(stream, "unsure", confidence=0.5)
    traffic.judge_all(rob, lambda _: {"total": 13, "supplier": "A"}, now=traffic.NOON)
    found = _fields(stream)
    assert (found["/total"]["automatic"], found["/total"]["received"]) == (2, 3)
    assert {field: (one["error_rate"]["checked"], one["error_rate"]["wrong"]) for field, one in found.items()} == {
        "/total": (2, 2), "/supplier": (2, 0),
    }  # fmt: skip


@pytest.mark.usefixtures("queue")
def test_the_export_has_each_fields_confidence_part_and_error(rob: User) -> None:
    stream = _invoice_stream(audit={"rate": 0})
    _post(stream, "unsure", confidence=0.95, scores={"total": 0.5})
    traffic.judge_all(rob, lambda _: {"total": 13, "supplier": "A"}, now=traffic.NOON)
    (line,) = [json.loads(one) for one in b"".join(labels.export_labels(stream)).splitlines()]
    assert line["field_confidences"] == {"/total": 0.5, "/supplier": 0.95}
    assert line["parts"] == {"asked": ["/total"], "audited": []}
    assert line["part_errors"] == {"/total": True}
    (text,) = [json.loads(one) for one in b"".join(labels.export_labels(stream, nested_as_text=True)).splitlines()]
    assert json.loads(text["parts"]) == line["parts"]


@pytest.mark.usefixtures("queue")
def test_the_export_of_audits_has_outputs_with_a_drawn_field() -> None:
    stream = _invoice_stream(audit={"rate": 0.4})
    _post(stream, *traffic.number_ids("sure", 20), confidence=0.95)
    lines = [json.loads(one) for one in b"".join(labels.export_labels(stream, include_audits=True)).splitlines()]
    drawn = set(Route.objects.exclude(parts__audited=[]).values_list("output__external_id", flat=True))
    assert {line["id"] for line in lines if line["parts"]["audited"]} == drawn
    assert any(line["u"] >= line["p"] for line in lines)


@pytest.mark.usefixtures("queue")
def test_a_withdrawn_audit_of_a_field_is_in_the_interval_from_right_to_wrong(rob: User) -> None:
    stream = _invoice_stream()
    _post(stream, *traffic.number_ids("kept", 3), confidence=0.95)
    traffic.judge_all(rob, lambda _: {"total": 12, "supplier": "A"}, now=traffic.NOON)
    before = _fields(stream)["/total"]["error_rate"]
    _post(stream, "taken", confidence=0.95)
    withdraw.withdraw_output(stream=stream, external_id="taken", actor="key:1", now=traffic.NOON)
    after = _fields(stream)["/total"]["error_rate"]
    assert (before["withdrawn"], after["withdrawn"], after["checked"]) == (0, 1, 3)
    assert after["high"] > before["high"]
