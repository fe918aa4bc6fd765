"""STOP: nothing is released after it has returned."""

from __future__ import annotations

from datetime import datetime

import pytest

from escalation.decisions import deadlines
from escalation.models import Decision, Output, Route, Stream
from escalation.monitoring import invariants
from escalation.routing import dispatch
from escalation.routing.stop import NotStopped, confirm_resume, find_active_stops, request_resume, stop_stream
from tests.helpers import stream_setup
from tests.helpers.races import filter_results, race

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("everything", [False, True])
def test_nothing_is_released_after_stop_has_returned(
    stream: Stream, everything: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "BATCH_ROWS", 5)
    stream_setup.post_outputs(stream, *stream_setup.build_outputs(400, confidence=0.9))

    def press() -> tuple[datetime, set[int]]:
        while Route.objects.count() < 40:
            pass
        stop = stop_stream(stream=None if everything else stream, by="user:mara")
        return stop.stopped_at, set(Decision.objects.filter(by="model").values_list("output_id", flat=True))

    def work() -> None:
        while Output.objects.received().exists():
            dispatch.route_received(batches=3)

    results = race(press, *[work] * 7)
    assert filter_results(Exception, results) == []
    stopped_at, released = results[0]
    assert set(Decision.objects.filter(by="model").values_list("output_id", flat=True)) == released
    assert set(Route.objects.filter(released=True).values_list("output_id", flat=True)) == released
    assert not Route.objects.filter(released=True, routed_at__gt=stopped_at).exists()
    assert Route.objects.filter(reason="stopped").count() == 400 - len(released) > 0
    assert invariants.find_violations() == []


def test_no_deadline_accepts_an_output_after_stop_has_returned(stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, on_deadline="accept")
    stream_setup.route_outputs(stream, *stream_setup.build_outputs(300, due_at="2026-03-01T12:00:00Z"))

    def press() -> int:
        while not Decision.objects.exists():
            pass
        stop_stream(stream=stream, by="user:mara")
        return Decision.objects.count()

    def sweep() -> None:
        while deadlines.answer_overdue_outputs(limit=10):
            pass

    results = race(press, sweep, sweep, sweep)
    assert filter_results(Exception, results) == []
    assert Decision.objects.count() == results[0]
    assert invariants.find_violations() == []


def test_concurrent_stops_and_concurrent_resumes_take_effect_once(stream: Stream) -> None:
    pressed = race(*[lambda: stop_stream(stream=stream, by="user:mara").pk] * 4)
    assert len(set(pressed)) == 1
    stop = stop_stream(stream=stream, by="user:mara")
    stream_setup.ensure_managers()
    request_resume(stop=stop, by="user:mara", reason="fixed")
    lifted = race(*[lambda: confirm_resume(stop=stop, by="user:max")] * 4)
    assert [type(one) for one in lifted].count(NotStopped) == 3
    assert find_active_stops() == {}
