"""STOP: one person can stop; resuming takes two."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from escalation.models import Stop, Stream
from escalation.routing.stop import (
    NotStopped,
    SecondPersonNeeded,
    confirm_resume,
    find_active_stops,
    request_resume,
    stop_stream,
)
from reviewqueue.models import Event
from tests.helpers import stream_setup


def test_one_person_can_stop_a_stream(stream: Stream) -> None:
    stop = stop_stream(stream=stream, by="user:mara", reason="odd answers")
    assert find_active_stops() == {stream.pk: stop.pk}
    event = Event.objects.get(verb="stream.stopped")
    assert (event.actor, event.queue, event.after) == ("user:mara", "intents", {"reason": "odd answers"})


def test_stopping_twice_creates_one_stop(stream: Stream) -> None:
    first = stop_stream(stream=stream, by="user:mara")
    assert stop_stream(stream=stream, by="user:max") == first
    assert Stop.objects.count() == 1


def test_stops_of_one_stream_and_of_all_streams_are_independent(stream: Stream) -> None:
    one, everything = stop_stream(stream=stream, by="user:mara"), stop_stream(stream=None, by="user:mara")
    assert find_active_stops() == {stream.pk: one.pk, None: everything.pk}


def test_resuming_takes_two_people(stream: Stream) -> None:
    stop = stop_stream(stream=stream, by="user:mara")
    with pytest.raises(SecondPersonNeeded):
        confirm_resume(stop=stop, by="user:mara")
    request_resume(stop=stop, by="user:mara")
    with pytest.raises(SecondPersonNeeded):
        confirm_resume(stop=stop, by="user:mara")
    assert find_active_stops()
    confirm_resume(stop=stop, by="user:max")
    assert find_active_stops() == {}
    verbs = Event.objects.filter(object_type="stop").order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["stream.stopped", "stream.resume_asked", "stream.resumed"]


def test_a_lifted_stop_cannot_be_lifted_again(stream: Stream) -> None:
    stop = stop_stream(stream=stream, by="user:mara")
    request_resume(stop=stop, by="user:mara")
    confirm_resume(stop=stop, by="user:max")
    with pytest.raises(NotStopped):
        request_resume(stop=stop, by="user:mara")
    with pytest.raises(NotStopped):
        confirm_resume(stop=stop, by="user:max")
    assert stop_stream(stream=stream, by="user:mara") != stop


def test_the_database_enforces_two_people_for_resuming(stream: Stream) -> None:
    stop = stop_stream(stream=stream, by="user:mara")
    with pytest.raises(IntegrityError, match="two_people_resume"), transaction.atomic():
        Stop.objects.filter(pk=stop.pk).update(resume_asked_by="x", resumed_by="x", resumed_at=stream_setup.LONG_AGO)


def test_the_stop_and_resume_commands_work(stream: Stream, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("stop", "intents", "--reason", "odd")
    stop = Stop.objects.get()
    assert str(stop.pk) in capsys.readouterr().out
    with pytest.raises(CommandError, match="two people"):
        call_command("resume", str(stop.pk), "--asked-by", "mara", "--by", "mara")
    call_command("resume", str(stop.pk), "--asked-by", "mara", "--by", "max")
    assert find_active_stops() == {}
    with pytest.raises(CommandError, match="no stop"):
        call_command("resume", "999999", "--asked-by", "mara", "--by", "max")
    with pytest.raises(CommandError, match="no stream"):
        call_command("stop", "nothing")
