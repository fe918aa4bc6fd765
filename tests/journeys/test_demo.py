"""The demo's past is made by the product itself, so it has to balance like everybody else's."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from config.demo import people
from config.management.commands import demo
from escalation import report, streams
from escalation.models import Output, Policy
from reviewqueue import clock, queue
from reviewqueue.models import User, Verdict

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo, "SENTENCES", 130)
    monkeypatch.setattr(demo, "DIGITS", 190)
    monkeypatch.setattr(people, "_file", lambda: tmp_path / "var" / people.REMEMBERED)


def test_the_demo_leaves_a_past_to_report_and_a_queue_to_triage() -> None:
    now = clock.current()
    demo.fill(now)
    assert Output.objects.count() == 320
    assert Verdict.objects.count() > 50
    assert all(load.waiting > 5 for load in queue.load().values())
    assert Policy.objects.filter(stream__slug="sentiment").count() == 2
    figures = report.build(stream=streams.get("digits"), since=now.date() - timedelta(days=27), until=now.date())
    assert report.as_json(figures)["throughput"]["received"] == 190
    sign_in = people.remembered()
    assert sign_in is not None
    assert User.objects.get(username="rob").check_password(sign_in.password)


def test_an_interrupted_demo_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.current()
    demo.fill(now)
    before, password = Output.objects.count(), people.remembered()
    demo.fill(now)
    assert Output.objects.count() == before
    assert people.remembered() == password
