"""STOP: after it has returned, nothing goes out."""

from __future__ import annotations

from datetime import datetime

import pytest

from escalation.decisions import deadlines
from escalation.models import Decision, Output, Route, Stream
from escalation.monitoring import invariants
from escalation.routing import dispatch
from escalation.routing.stop import NotStopped, ask_to_resume, resume, standing
from escalation.routing.stop import stop as stop_stop
from tests.helpers import stream_setup
from tests.helpers.races import of, race

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("everything", [False, True])
def test_after_stop_has_returned_nothing_is_released(
    stream: Stream, everything: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "BATCH_ROWS", 5)
    stream_setup.post(stream, *stream_setup.elements(400, confidence=0.9))

    def press() -> tuple[datetime, set[int]]:
        while Route.objects.count() < 40:
            pass
        stop = stop_stop(stream=None if everything else stream, by="user:mara")
        return stop.stopped_at, set(Decision.objects.filter(by="model").values_list("output_id", flat=True))

    def work() -> None:
        while Output.objects.received().exists():
            dispatch.run(batches=3)

    results = race(press, *[work] * 7)
    assert of(Exception, results) == []
    stopped_at, released = results[0]
    assert set(Decision.objects.filter(by="model").values_list("output_id", flat=True)) == released
    assert set(Route.objects.filter(released=True).values_list("output_id", flat=True)) == released
    assert not Route.objects.filter(released=True, routed_at__gt=stopped_at).exists()
    assert Route.objects.filter(reason="stopped").count() == 400 - len(released) > 0
    assert invariants.imbalances() == []


def test_after_stop_has_returned_no_deadline_accepts(stream: Stream) -> None:
    stream_setup.activate(stream, threshold=0.8, on_deadline="accept")
    stream_setup.routed(stream, *stream_setup.elements(300, due_at="2026-03-01T12:00:00Z"))

    def press() -> int:
        while not Decision.objects.exists():
            pass
        stop_stop(stream=stream, by="user:mara")
        return Decision.objects.count()

    def sweep() -> None:
        while deadlines.expire(limit=10):
            pass

    results = race(press, sweep, sweep, sweep)
    assert of(Exception, results) == []
    assert Decision.objects.count() == results[0]
    assert invariants.imbalances() == []


def test_two_who_stop_at_once_stop_once_and_two_who_resume_at_once_resume_once(stream: Stream) -> None:
    pressed = race(*[lambda: stop_stop(stream=stream, by="user:mara").pk] * 4)
    assert len(set(pressed)) == 1
    stop = stop_stop(stream=stream, by="user:mara")
    ask_to_resume(stop=stop, by="user:mara")
    lifted = race(*[lambda: resume(stop=stop, by="user:max")] * 4)
    assert [type(one) for one in lifted].count(NotStopped) == 3
    assert standing() == {}
