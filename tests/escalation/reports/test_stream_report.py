"""A stream's report: figures add up, are unknown without audits, and errors are priced."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pytest_django import Settings

from escalation import statistics
from escalation.models import Outcome, Route, Stream
from escalation.policies import versions
from escalation.reports import report_json, stream_report
from escalation.reports.stream_report import Report
from reviewqueue.models import Queue, User
from tests.helpers import traffic
from tests.helpers.traffic import NOON

DAY = date(2025, 3, 10)


def build(stream: Stream, days: int = 3) -> Report:
    return stream_report.build_report(stream=stream, since=DAY, until=DAY + timedelta(days=days - 1), now=NOON)


def test_an_empty_stream_reports_zeros_and_unknowns(queue: Queue) -> None:
    figures = report_json.report_as_json(build(traffic.apply_stream()))
    assert figures["throughput"] == {
        "received": 0, "automatic": 0, "to_people": 0, "decided_by_people": 0, "waiting": 0, "shadow": 0,
    }  # fmt: skip
    assert figures["error_rate"]["rate"] is None
    assert figures["time_to_decision"]["median_seconds"] is None
    assert [day["received"] for day in figures["days"]] == [0, 0, 0]


def test_every_output_is_counted_once_in_throughput(queue: Queue, rob: User) -> None:
    stream = traffic.apply_stream()
    traffic.post_and_route(stream, *traffic.number_ids("sure", 7))
    traffic.post_and_route(stream, *traffic.number_ids("unsure", 4), confidence=0.4)
    traffic.post_and_route(stream, "late", confidence=0.4, now=traffic.shift_noon(days=1))
    found = build(stream)
    assert (found.throughput.received, found.throughput.automated, found.throughput.to_people) == (12, 7, 5)
    assert found.waiting == 5
    assert [day.throughput.received for day in found.days] == [11, 1, 0]
    assert dict(found.reasons) == {"above_threshold": 7, "below_threshold": 5}


def test_decisions_by_people_count_on_the_day_of_the_decision(queue: Queue, rob: User) -> None:
    stream = traffic.apply_stream()
    traffic.post_and_route(stream, *traffic.number_ids("unsure", 3), confidence=0.4)
    traffic.judge_all(rob, lambda _: "refund", now=traffic.shift_noon(days=1))
    found = build(stream)
    assert [day.decided for day in found.days] == [0, 3, 0]
    assert found.decided == 3
    assert found.times.decided == 3
    assert found.times.median == pytest.approx(86_400)


def test_time_to_decision_excludes_audits_of_automated_outputs(queue: Queue, rob: User) -> None:
    stream = traffic.apply_stream(policy={"threshold": 0.8, "audit": {"rate": 1.0}})
    traffic.post_and_route(stream, *traffic.number_ids("sure", 5))
    traffic.post_and_route(stream, "unsure", confidence=0.4)
    traffic.judge_all(rob, lambda _: "refund", now=traffic.shift_noon(minutes=10))
    assert build(stream).times.decided == 1
    assert build(stream).times.p95 == pytest.approx(600)


def test_without_audits_error_rate_and_undetected_errors_are_unknown(queue: Queue, rob: User) -> None:
    stream = traffic.apply_stream()
    traffic.post_and_route(stream, *traffic.number_ids("sure", 5))
    traffic.post_and_route(stream, *traffic.number_ids("unsure", 2), confidence=0.4)
    traffic.judge_all(rob, lambda _: "billing", now=traffic.shift_noon(minutes=1))
    found = build(stream)
    assert found.error_rate.rate is None
    assert found.error_rate.low is None
    assert found.costs.undetected_errors is None
    assert found.unaudited == 5
    # Errors that reviewers caught are known all the same.
    assert found.costs.caught_errors == pytest.approx(20.0)
    as_json = report_json.report_as_json(found)
    assert as_json["money"]["let_through"] is None
    assert as_json["money"]["check_everything"]["balance"] is None


def test_audits_after_the_fact_estimate_undetected_errors(queue: Queue, rob: User) -> None:
    stream = traffic.apply_stream(policy={"threshold": 0.8, "audit": {"rate": 0.5, "mode": "after"}})
    traffic.post_and_route(stream, *traffic.number_ids("sure", 60))
    drawn = set(Route.objects.exclude(audit="").values_list("output__external_id", flat=True))
    wrong = set(sorted(drawn)[:3])
    traffic.judge_all(rob, lambda one: "billing" if one in wrong else "refund", now=traffic.shift_noon(minutes=1))
    found = build(stream)
    n = len(drawn)
    assert (found.error_rate.audits, found.error_rate.wrong, found.error_rate.drawn, found.blind) == (n, 3, n, n)
    assert found.error_rate.rate == pytest.approx(3 / n)
    low, high = statistics.compute_clopper_pearson(3, n, 0.05)
    assert (found.error_rate.low, found.error_rate.high) == (low, high)
    through = found.costs.undetected_errors
    assert through is not None
    assert through.value == pytest.approx(3 * 10.0 / 0.5)
    assert through.low == pytest.approx(low * 60 * 10.0)
    assert through.high == pytest.approx(high * 60 * 10.0)
    assert found.costs.caught_errors == 0.0
    assert found.costs.reviews == pytest.approx(n * 0.5)


def test_audits_that_hold_catch_their_own_errors(queue: Queue, rob: User) -> None:
    stream = traffic.apply_stream(policy={"threshold": 0.8, "audit": {"rate": 0.25, "mode": "hold"}})
    traffic.post_and_route(stream, *traffic.number_ids("sure", 80))
    held = set(Route.objects.filter(audit="hold").values_list("output__external_id", flat=True))
    wrong = set(sorted(held)[:2])
    traffic.judge_all(rob, lambda one: "billing" if one in wrong else "refund", now=traffic.shift_noon(minutes=1))
    found = build(stream)
    assert found.throughput.automated == 80 - len(held)
    assert found.costs.caught_errors == pytest.approx(20.0)
    assert found.costs.undetected_errors is not None
    assert found.costs.undetected_errors.value == pytest.approx(2 * 10.0 * (1 / 0.25 - 1))


def test_an_error_is_priced_by_the_version_that_routed_it(queue: Queue, rob: User) -> None:
    cheap = {"currency": "EUR", "review": 0.5, "error": 10.0, "matrix": {"refund": {"billing": 3.0}}}
    stream = traffic.apply_stream(policy={}, costs=cheap)
    traffic.post_and_route(stream, "before")
    dear = traffic.apply_stream(policy={}, costs={**cheap, "matrix": {"refund": {"billing": 300.0}}})
    assert dear == stream
    traffic.post_and_route(stream, "after")
    traffic.judge_all(rob, lambda one: "billing", now=traffic.shift_noon(minutes=1))
    # The version with higher costs is a draft until a second person approves it, so both errors cost the old price.
    assert build(stream).costs.caught_errors == pytest.approx(6.0)


def test_an_unjudgeable_output_is_neither_an_error_nor_an_answer(queue: Queue, rob: User) -> None:
    stream = traffic.apply_stream(policy={"threshold": 0.8, "audit": {"rate": 1.0}})
    traffic.post_and_route(stream, "sure")
    traffic.judge_all(rob, lambda _: "refund", now=traffic.shift_noon(minutes=1))
    Outcome.objects.update(outcome="unjudgeable", answer=None, wrong=None)
    assert (build(stream).error_rate.rate, build(stream).error_rate.drawn, build(stream).error_rate.audits) == (
        None,
        1,
        0,
    )


def test_breakdowns_add_up_to_the_total(queue: Queue, rob: User) -> None:
    stream = traffic.apply_stream(
        policy={"threshold": 0.8, "audit": {"rate": 0.5}, "segments": [{"when": {"language": "de"}, "threshold": 0.95}]}
    )
    traffic.post_and_route(stream, *traffic.number_ids("en", 20), segment={"language": "en"}, model_version="1")
    traffic.post_and_route(
        stream, *traffic.number_ids("de", 10), segment={"language": "de"}, prediction="billing", model_version="2"
    )
    traffic.post_and_route(stream, *traffic.number_ids("none", 5), confidence=None)
    traffic.judge_all(rob, lambda _: "refund", now=traffic.shift_noon(minutes=1))
    found = build(stream)
    for groups in (found.classes, found.model_versions, found.segments["language"], found.days):
        for sums in ("received", "automated", "to_people", "judged"):
            assert sum(getattr(part.throughput, sums) for part in groups) == getattr(found.throughput, sums)
        assert sum(part.costs.caught_errors for part in groups) == pytest.approx(found.costs.caught_errors)
        assert sum(part.costs.reviews for part in groups) == pytest.approx(found.costs.reviews)
    assert [group.name for group in found.segments["language"]] == ["en", "de", ""]
    assert {group.name for group in found.model_versions} == {"intent-clf 1", "intent-clf 2", "intent-clf"}


def test_the_balance_is_caught_errors_minus_review_costs(queue: Queue, rob: User) -> None:
    stream = traffic.apply_stream(policy={})
    traffic.post_and_route(stream, *traffic.number_ids("all", 10))
    traffic.judge_all(rob, lambda one: "billing" if one == "all-3" else "refund", now=traffic.shift_noon(minutes=1))
    found = report_json.report_as_json(build(stream))["money"]
    assert (found["caught"], found["reviews"], found["balance"]) == (10.0, 5.0, 5.0)
    # Everything was reviewed, so there are no undetected errors, and full review is what was done.
    assert found["let_through"] == {"estimate": 0.0, "low": 0.0, "high": 0.0}
    assert found["check_everything"]["balance"] == 5.0
    assert found["check_nothing"]["let_through"]["estimate"] == 10.0


def test_shadow_outputs_count_only_in_review_costs(queue: Queue, rob: User) -> None:
    stream = traffic.apply_stream(policy={"threshold": 0.8, "audit": {"rate": 1.0}})
    traffic.post_and_route(stream, *traffic.number_ids("shadow", 4), shadow=True, model_version="next")
    traffic.judge_all(rob, lambda _: "billing", now=traffic.shift_noon(minutes=1))
    found = build(stream)
    assert (found.throughput.received, found.shadow, found.error_rate.rate) == (0, 4, None)
    assert (found.costs.caught_errors, found.costs.reviews) == (0.0, 2.0)
    (group,) = found.model_versions
    assert (group.shadow, group.error_rate.rate) == (True, 1.0)


def test_costs_in_another_currency_are_excluded_and_counted(queue: Queue, rob: User) -> None:
    stream = traffic.apply_stream(policy={}, costs={"currency": "USD", "review": 0.5, "error": 10.0})
    traffic.post_and_route(stream, "dollars")
    assert (build(stream).currency, build(stream).unpriced) == ("USD", 0)
    euros = versions.save_version(stream=stream, spec=versions.validate_spec({}), actor="user:mara")
    versions.activate_version(policy=euros, by="user:mara", approved_by="user:max", now=NOON)
    assert (build(stream).currency, build(stream).unpriced) == ("EUR", 1)


def test_days_are_in_the_teams_time_zone(queue: Queue, settings: Settings) -> None:
    stream = traffic.apply_stream()
    late = NOON.replace(hour=23, minute=30)
    traffic.post_and_route(stream, "late", now=late)
    assert [day.throughput.received for day in build(stream).days] == [1, 0, 0]
    settings.TIME_ZONE = "Europe/Berlin"
    assert [day.throughput.received for day in build(stream).days] == [0, 1, 0]
