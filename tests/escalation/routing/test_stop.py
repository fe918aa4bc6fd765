"""STOP: one person can stop; resuming takes two."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from escalation.models import Stop, Stream
from escalation.routing.stop import (
    NotStopped,
    ResumeRequested,
    confirm_resume,
    find_active_stops,
    has_request,
    request_resume,
    stop_stream,
)
from reviewqueue.accounts import people
from reviewqueue.accounts.second_person import RESUME_REQUEST_LIFETIME, SamePerson, SecondPersonNeeded
from reviewqueue.kernel import clock
from reviewqueue.kernel.errors import Invalid
from reviewqueue.models import Event, User
from tests.helpers import stream_setup

pytestmark = pytest.mark.usefixtures("mara", "max")
WHY = "The model is fixed."


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
    with pytest.raises(Invalid, match="reason"):
        request_resume(stop=stop, by="user:mara", reason=" ")
    request_resume(stop=stop, by="user:mara", reason=WHY)
    with pytest.raises(ResumeRequested):
        request_resume(stop=stop, by="user:max", reason="Me, too")
    with pytest.raises(SamePerson):
        confirm_resume(stop=stop, by="user:mara")
    assert find_active_stops()
    confirm_resume(stop=stop, by="user:max")
    assert find_active_stops() == {}
    events = Event.objects.filter(object_type="stop").order_by("id")
    assert [one.verb for one in events] == ["stream.stopped", "stream.resume_asked", "stream.resumed"]
    assert events[2].after == {"asked_by": "user:mara", "reason": WHY}


def _close(mara: User, root: User) -> None:
    people.deactivate_person(user_id=mara.pk, by=root)


def _demote(mara: User, root: User) -> None:
    people.change_person(user_id=mara.pk, role="lead", queues=["intents"], all_queues=False, by=root)


def _take_stream(mara: User, root: User) -> None:
    people.change_person(user_id=mara.pk, role="manager", queues=[], all_queues=False, by=root)


@pytest.mark.parametrize("lose", [_close, _demote, _take_stream])
@pytest.mark.parametrize("who", ["mara", "max"])
def test_neither_person_counts_after_losing_the_right(
    stream: Stream, lose: Callable[[User, User], None], who: str
) -> None:
    root = User.objects.create(username="root", role="admin", password="!")
    stop = stop_stream(stream=stream, by="user:mara")
    request_resume(stop=stop, by="user:mara", reason=WHY)
    lose(User.objects.get(username=who), root)
    with pytest.raises(SecondPersonNeeded, match=who):
        confirm_resume(stop=stop, by="user:max")
    assert find_active_stops()
    # A request that no longer counts is not in anybody's way.
    stop.refresh_from_db()
    assert has_request(stop, now=clock.current_time()) is (who == "max")
    if who == "mara":
        request_resume(stop=stop, by="user:max", reason=WHY)
        confirm_resume(stop=stop, by="user:root")


def test_keys_and_the_system_are_nobodys_second_person(stream: Stream) -> None:
    stop = stop_stream(stream=stream, by="user:mara")
    request_resume(stop=stop, by="user:mara", reason=WHY)
    for actor in ("key:1", "system:command", "max", "user:", "user:nobody"):
        with pytest.raises(SecondPersonNeeded):
            confirm_resume(stop=stop, by=actor)
    assert find_active_stops()


def test_a_request_to_resume_lapses_after_a_day_and_with_a_new_stop(stream: Stream) -> None:
    stop = stop_stream(stream=stream, by="user:mara")
    asked = clock.current_time()
    request_resume(stop=stop, by="user:mara", reason=WHY, now=asked)
    with pytest.raises(SecondPersonNeeded):
        confirm_resume(stop=stop, by="user:max", now=asked + RESUME_REQUEST_LIFETIME)
    late = asked + RESUME_REQUEST_LIFETIME + timedelta(minutes=1)
    request_resume(stop=stop, by="user:max", reason=WHY, now=late)
    for again in (stream, None):
        stop_stream(stream=again, by="user:max", now=late)
        with pytest.raises(SecondPersonNeeded):
            confirm_resume(stop=stop, by="user:mara", now=late)
        request_resume(stop=stop, by="user:max", reason=WHY, now=late)
    assert Event.objects.filter(verb="stream.resume_cancelled").count() == 2
    confirm_resume(stop=stop, by="user:mara", now=late)


def test_pressing_stop_again_records_its_reason_and_keeps_the_first(stream: Stream) -> None:
    stop = stop_stream(stream=stream, by="user:mara", reason="odd answers")
    assert stop_stream(stream=stream, by="user:max", reason="a second fault").pk == stop.pk
    again = Event.objects.get(verb="stream.stop_repeated")
    assert (again.actor, again.after) == ("user:max", {"reason": "a second fault"})
    stop.refresh_from_db()
    assert (stop.stopped_by, stop.reason) == ("user:mara", "odd answers")


def test_resuming_all_streams_takes_two_managers_of_all_streams(stream: Stream) -> None:
    stop = stop_stream(stream=None, by="user:mara")
    request_resume(stop=stop, by="user:mara", reason=WHY)
    with pytest.raises(SecondPersonNeeded):
        confirm_resume(stop=stop, by="user:max")
    User.objects.update(all_queues=True)
    confirm_resume(stop=stop, by="user:max")
    assert find_active_stops() == {}


def test_a_lifted_stop_cannot_be_lifted_again(stream: Stream) -> None:
    stop = stop_stream(stream=stream, by="user:mara")
    request_resume(stop=stop, by="user:mara", reason=WHY)
    confirm_resume(stop=stop, by="user:max")
    with pytest.raises(NotStopped):
        request_resume(stop=stop, by="user:mara", reason=WHY)
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
    for names, refusal in ((("mara", "mara"), "your own"), (("mara", "somebody"), "two active managers")):
        with pytest.raises(CommandError, match=refusal):
            call_command("resume", str(stop.pk), "--asked-by", names[0], "--by", names[1], "--reason", WHY)
    call_command("resume", str(stop.pk), "--asked-by", "mara", "--by", "max", "--reason", WHY)
    assert find_active_stops() == {}
    with pytest.raises(CommandError, match="no stop"):
        call_command("resume", "999999", "--asked-by", "mara", "--by", "max", "--reason", WHY)
    with pytest.raises(CommandError, match="no stream"):
        call_command("stop", "nothing")
