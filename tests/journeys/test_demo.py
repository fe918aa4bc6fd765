"""The demo's past is made by the product itself, so it has to balance like everybody else's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from config.demo import past, people
from config.demo.people import REMEMBERED, remembered
from config.management.commands import demo
from escalation import statistics
from escalation.guarantees import evaluations, guarantees
from escalation.models import Activation, Count, Output, Policy
from escalation.reports import stream_report
from escalation.streams import definition
from reviewqueue.kernel import clock
from reviewqueue.models import Event, User, Verdict
from reviewqueue.queue import items
from tests.helpers import stream_setup

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo, "SENTENCES", 130)
    monkeypatch.setattr(demo, "DIGITS", 190)
    monkeypatch.setattr(people, "_file", lambda: tmp_path / "var" / REMEMBERED)


def test_the_demo_leaves_a_past_to_report_and_a_queue_to_triage() -> None:
    now = clock.current()
    demo.fill(now)
    assert Output.objects.count() == 320
    assert Verdict.objects.count() > 50
    assert all(load.waiting > 5 for load in items.load().values())
    assert Policy.objects.filter(stream__slug="sentiment").count() == 2
    for took_effect in Activation.objects.select_related("policy"):
        assert took_effect.policy.created_at <= took_effect.effective_at
    assert Event.objects.filter(verb="policy.activated").earliest("at").at < now - timedelta(days=20)
    figures = stream_report.build(
        stream=definition.get("digits"), since=now.date() - timedelta(days=27), until=now.date()
    )
    assert stream_report.as_json(figures)["throughput"]["received"] == 190
    sign_in = remembered()
    assert sign_in is not None
    assert User.objects.get(username="rob").check_password(sign_in.password)


def test_an_interrupted_demo_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.current()
    demo.fill(now)
    before, password = Output.objects.count(), remembered()
    demo.fill(now)
    assert Output.objects.count() == before
    assert remembered() == password


def _analysing(work: Callable[..., int]) -> Callable[..., int]:
    """In production autovacuum knows the tables; in one long transaction plans would be made for empty ones."""

    def work_and_analyse(shift: past.Shift, **people: Any) -> int:
        if shift.at.hour == past.SHIFTS[0].hour:
            stream_setup.sql("ANALYZE")
        return work(shift, **people)

    return work_and_analyse


@pytest.mark.scale
def test_the_demo_states_for_digits_what_it_honestly_refuses_for_sentiment(
    monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    monkeypatch.setattr(demo, "DIGITS", 1300)
    monkeypatch.setattr(past, "work", _analysing(past.work))
    demo.fill(clock.current())
    statement = guarantees.in_force(definition.get("digits"))
    assert statement
    assert statement.holds
    (found,) = evaluations.groups_of(statement.attempt)
    assert found.bound == statistics.upper_bound(found.wrong, found.accepted, found.delta)
    assert found.bound <= 0.02
    assert statement.attempt.target.set_at < Output.objects.earliest("received_at").received_at
    assert Count.objects.exists()
    client.force_login(User.objects.get(username="mara"))
    stated = client.get("/streams/digits/promise/").content.decode()
    assert "at most 2 in 100 is wrong" in stated
    assert f"/streams/digits/promise/evidence/{statement.attempt.pk}/" in stated
    refused = client.get("/streams/sentiment/promise/").content.decode()
    assert "checked outputs are too few for this target: about" in refused
