"""The figures of single labels: how often the model misses and invents each, in the report and its API."""

from __future__ import annotations

from typing import Any

import pytest

from escalation import statistics
from escalation.decisions import withdraw
from escalation.models import Outcome, Route, Stream
from escalation.reports import report_json
from reviewqueue.models import User
from reviewqueue.queue.claim import claim_next
from reviewqueue.verdicts import submit
from tests.escalation.reports import test_part_costs as sets
from tests.escalation.reports.test_stream_report import build
from tests.helpers import traffic


def _labels(stream: Stream) -> dict[str, dict[str, Any]]:
    return {one["label"]: one for one in report_json.report_as_json(build(stream))["labels"]}


@pytest.mark.usefixtures("queue")
def test_each_label_has_its_own_rates_of_missed_and_invented_ones(rob: User) -> None:
    stream, drawn = sets.apply_label_stream(audit={"rate": 0.6}), sets.draw_sets(5, 40)
    sets.post_sets(stream, drawn, rob)
    audited = [drawn[route.output.external_id] for route in Route.objects.exclude(audit="").select_related("output")]
    n = len(audited)
    found = _labels(stream)
    assert list(found) == sets.LABELS
    for label, one in found.items():
        missed = sum(label in right - predicted for predicted, right in audited)
        invented = sum(label in predicted - right for predicted, right in audited)
        assert (one["missed"]["wrong"], one["invented"]["wrong"]) == (missed, invented)
        assert one["error_rate"]["rate"] == pytest.approx((missed + invented) / n)
        assert (one["missed"]["low"], one["missed"]["high"]) == statistics.compute_clopper_pearson(missed, n, 0.05)
        assert one["right"] == sum(label in right for _, right in audited)
        assert one["predicted"] == sum(label in predicted for predicted, _ in audited)
        assert (one["error_rate"]["checked"], one["error_rate"]["drawn"]) == (n, n)
    totals = report_json.report_as_json(build(stream))["label_errors"]
    assert totals["per_output"] == pytest.approx(sum(len(one ^ other) for one, other in audited) / n)
    assert totals["missed"] + totals["invented"] == pytest.approx(totals["per_output"])


@pytest.mark.usefixtures("queue")
def test_an_audit_that_tells_nothing_of_its_labels_widens_their_intervals(rob: User) -> None:
    stream = sets.apply_label_stream(audit={"rate": 1.0}, answer_first=False)
    traffic.post_and_route(stream, *traffic.number_ids("mail", 3), prediction=["spam"])
    traffic.judge_all(rob, lambda _: ["spam"], now=traffic.NOON)
    before = _labels(stream)["spam"]["missed"]
    traffic.post_and_route(stream, "odd", "taken", prediction=["spam"])
    withdraw.withdraw_output(stream=stream, external_id="taken", actor="key:1", now=traffic.NOON)
    claim = claim_next(user=rob, slug="intents", now=traffic.NOON)
    assert claim is not None
    submit.submit_first_answer(claim_id=claim.id, user=rob, kind="none", answer=None, now=traffic.NOON)
    submit.submit_verdict(claim_id=claim.id, user=rob, kind="none", now=traffic.NOON)
    traffic.settle_all(now=traffic.NOON)
    after = _labels(stream)["spam"]["missed"]
    assert (before["withdrawn"], after["withdrawn"]) == (0, 2)
    assert (after["checked"], after["drawn"], after["rate"]) == (3, 5, 0.0)
    assert after["high"] > before["high"]


@pytest.mark.usefixtures("queue")
def test_audits_judged_before_labels_were_recorded_are_left_out(rob: User) -> None:
    stream = sets.apply_label_stream(audit={"rate": 1.0})
    traffic.post_and_route(stream, *traffic.number_ids("mail", 3), prediction=["spam"])
    traffic.judge_all(rob, lambda _: [], now=traffic.NOON)
    Outcome.objects.filter(output__external_id="mail-0").update(part_errors=None)
    spam = _labels(stream)["spam"]["invented"]
    assert (spam["checked"], spam["drawn"], spam["withdrawn"], spam["rate"]) == (2, 3, 0, 1.0)


@pytest.mark.usefixtures("queue")
def test_only_streams_that_count_wrong_labels_have_their_sum(rob: User) -> None:
    stream = traffic.apply_stream(answers=["a", "b"], multiple=True, policy={"threshold": 0.8, "audit": {"rate": 1.0}})
    traffic.post_and_route(stream, "one", prediction=["a"])
    traffic.judge_all(rob, lambda _: ["b"], now=traffic.NOON)
    figures = report_json.report_as_json(build(stream))
    assert [one["error_rate"]["rate"] for one in figures["labels"]] == [1.0, 1.0]
    assert figures["label_errors"] is None
    assert report_json.report_as_json(build(traffic.apply_stream(multiple=False)))["labels"] == []
