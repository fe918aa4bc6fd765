"""What the endpoints for monitoring say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client

from escalation.models import Heartbeat
from escalation.monitoring import heartbeats
from escalation.monitoring.sweeps import SWEEPS
from tests.helpers import stream_setup

NAMES = [sweep.name for sweep in SWEEPS]


def _degraded(client: Client) -> list[str]:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    found: list[str] = answer.json()["degraded"]
    assert answer.json()["status"] == ("degraded" if found else "ok")
    return found


def test_each_late_sweep_is_named_after_an_age_of_its_own(db: None, client: Client) -> None:
    assert _degraded(client) == NAMES, "none has ever run"
    for sweep in SWEEPS:
        heartbeats.record_success(sweep)
    assert _degraded(client) == []
    for sweep in SWEEPS:
        Heartbeat.objects.filter(name=sweep.name).update(at=Now() - timedelta(seconds=sweep.late_after - 2))
        assert _degraded(client) == []
        Heartbeat.objects.filter(name=sweep.name).update(at=Now() - timedelta(seconds=sweep.late_after + 1))
        assert _degraded(client) == [sweep.name]
        heartbeats.record_success(sweep)


def test_a_database_that_takes_no_writes_is_named(db: None, client: Client) -> None:
    for sweep in SWEEPS:
        heartbeats.record_success(sweep)
    stream_setup.run_sql("SET TRANSACTION READ ONLY")
    assert _degraded(client) == ["database"]


def test_the_age_of_every_sweep_is_a_metric(db: None, client: Client) -> None:
    heartbeats.record_success(SWEEPS[0])
    lines = client.get("/metrics").content.decode().splitlines()
    ages = {line.partition('name="')[2].partition('"')[0]: line for line in lines if "heartbeat_age_seconds{" in line}
    assert list(ages) == NAMES
    assert float(ages.pop("worker").split()[1]) < 60
    assert {line.split()[1] for line in ages.values()} == {"+Inf"}
    assert 'reviewqueue_sweep_late{name="worker"} 0.0' in lines
    assert 'reviewqueue_sweep_late{name="drafts"} 1.0' in lines


@pytest.mark.django_db(databases=[])
def test_liveness_asks_nothing_of_the_database(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
