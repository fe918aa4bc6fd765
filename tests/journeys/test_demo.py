"""The demo's past is made by the product itself, so it has to balance like everybody else's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from config.demo import past, people
from config.demo.people import SIGN_IN_FILE, load_sign_in
from config.management.commands import demo
from escalation.guarantees import group_results, guarantees
from escalation.models import Activation, Output, OutputCount, Policy
from escalation.reports import report_json, stream_report
from escalation.streams import definition
from reviewqueue.kernel import clock
from reviewqueue.models import Event, User, Verdict
from reviewqueue.queue import items
from tests.helpers import stream_setup

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo, "SENTENCE_COUNT", 130)
    monkeypatch.setattr(demo, "DIGIT_COUNT", 190)
    monkeypatch.setattr(demo, "INVOICE_COUNT", 130)
    monkeypatch.setattr(people, "_sign_in_path", lambda: tmp_path / "var" / SIGN_IN_FILE)


@pytest.mark.scale
def test_the_demo_leaves_a_past_to_report_and_a_queue_to_triage_and_is_filled_once() -> None:
    now = clock.current_time()
    demo.fill_demo(now)
    assert Output.objects.count() == 450
    assert Verdict.objects.count() > 50
    assert all(load.waiting > 5 for load in items.measure_loads().values())
    assert Policy.objects.filter(stream__slug="sentiment").count() == 2
    for took_effect in Activation.objects.select_related("policy"):
        assert took_effect.policy.created_at <= took_effect.effective_at
    assert Event.objects.filter(verb="policy.activated").earliest("at").at < now - timedelta(days=20)
    figures = stream_report.build_report(
        stream=definition.get_stream("digits"), since=now.date() - timedelta(days=27), until=now.date()
    )
    assert report_json.report_as_json(figures)["throughput"]["received"] == 190
    sign_in = load_sign_in()
    assert sign_in is not None
    assert User.objects.get(username="rob").check_password(sign_in.password)
    demo.fill_demo(now)
    assert Output.objects.count() == 450
    assert load_sign_in() == sign_in


def _analysing(work: Callable[..., int]) -> Callable[..., int]:
    """In production autovacuum knows the tables; in one long transaction plans would be made for empty ones."""

    def work_and_analyse(shift: past.DemoShift, **people: Any) -> int:
        if shift.at.hour == past.SHIFT_TIMES[0].hour:
            stream_setup.run_sql("ANALYZE")
        return work(shift, **people)

    return work_and_analyse


@pytest.mark.scale
def test_the_demo_guarantees_digits_and_fields_of_invoices_and_no_sentiment(
    monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    monkeypatch.setattr(demo, "DIGIT_COUNT", 1300)
    monkeypatch.setattr(demo, "INVOICE_COUNT", 880)
    monkeypatch.setattr(past, "work_shift", _analysing(past.work_shift))
    demo.fill_demo(clock.current_time())
    statement = guarantees.find_latest_guarantee(definition.get_stream("digits"))
    assert statement
    assert statement.holds
    (found,) = group_results.parse_group_results(statement.evaluation)
    assert found.wrong < found.accepted * 0.04
    assert found.coverage is not None
    assert found.coverage > 0.6
    assert found.threshold_if_none_missed is not None
    assert statement.evaluation.reviewer_recall
    assert statement.evaluation.reviewer_recall["shown"] >= 20
    of_fields = guarantees.find_latest_guarantee(definition.get_stream("invoices"))
    assert of_fields
    assert of_fields.holds
    certified = group_results.list_certified_groups(group_results.parse_group_results(of_fields.evaluation))
    assert len(certified) >= 2  # whether all four are depends on what is drawn
    assert statement.evaluation.target.set_at < Output.objects.earliest("received_at").received_at
    assert OutputCount.objects.exists()
    client.force_login(User.objects.get(username="mara"))
    stated = client.get("/streams/digits/guarantee/").content.decode().replace("\xa0", " ")
    assert "At most 4 % of automated decisions are wrong" in stated
    assert f"/streams/digits/guarantee/evidence/{statement.evaluation.pk}/" in stated
    refused = client.get("/streams/sentiment/guarantee/").content.decode().replace("\xa0", " ")
    assert "No guarantee yet" in refused
    assert guarantees.find_latest_guarantee(definition.get_stream("sentiment")) is None
