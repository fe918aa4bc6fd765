"""The activity log."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from reviewqueue.activity import log
from reviewqueue.models import Event, User


def test_the_history_of_an_object_starts_with_the_oldest_event(db: None) -> None:
    log.record_event(actor="user:ann", verb="opened", object_type="item", object_id=7)
    log.record_event(actor="user:rob", verb="closed", object_type="item", object_id=7, after={"state": "closed"})
    log.record_event(actor="user:rob", verb="opened", object_type="item", object_id=8)

    assert [event.verb for event in log.events_about("item", 7)] == ["opened", "closed"]


def test_the_activity_of_a_queue_starts_with_the_latest_event(db: None) -> None:
    for verb in ("first", "second"):
        log.record_event(actor="system:dispatch", verb=verb, object_type="item", object_ids=[1, 2], queue="intents")
    log.record_event(actor="system:dispatch", verb="elsewhere", object_type="item", queue="other")

    assert [event.verb for event in log.recent_events("intents")] == ["second", "first"]
    assert log.recent_events("intents")[0].object_ids == [1, 2]


def test_an_event_uses_the_database_clock_unless_given_a_time(db: None) -> None:
    moment = datetime(2026, 11, 1, 9, tzinfo=UTC)
    log.record_event(actor="user:ann", verb="seen", object_type="item", object_id=1, at=moment)
    log.record_event(actor="user:ann", verb="seen", object_type="item", object_id=1)

    given, stamped = log.events_about("item", 1)
    assert given.at == moment
    assert stamped.at is not None


def test_an_event_cannot_be_changed_or_deleted(ann: User) -> None:
    log.record_event(actor=log.user_actor(ann), verb="seen", object_type="item", object_id=1)

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Event.objects.update(actor="user:rob")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Event.objects.all().delete()
