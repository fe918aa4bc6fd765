"""The feed during writes: a reader who keeps paging misses nothing and sees nothing twice."""

from __future__ import annotations

from threading import Event

import pytest
from django.db import transaction

from escalation.decisions import feed
from escalation.models import Decision, Stream
from escalation.monitoring import invariants
from escalation.routing import dispatch
from tests.helpers import stream_setup
from tests.helpers.races import filter_results, race

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS, ROUNDS = 4, 25


def test_a_reader_paging_during_writes_misses_and_repeats_nothing(stream: Stream) -> None:
    finished: list[int] = []

    def write(writer: int) -> None:
        for number in range(ROUNDS):
            with transaction.atomic():
                stream_setup.post_outputs(
                    stream, *stream_setup.build_outputs(3, first=writer * 10_000 + number * 3, confidence=0.9)
                )
                dispatch.route_received(batches=1)
        finished.append(writer)

    def read(limit: int) -> list[str]:
        cursor, seen = "", []
        while True:
            # Asked before the page is read: what another sequencer commits in between is then on that page.
            last = len(finished) == WRITERS and not Decision.objects.filter(seq=None).exists()
            page = feed.read_feed(stream=stream, after=cursor, limit=limit)
            cursor = page.next
            seen += [item["id"] for item in page.items]
            if last and not page.items:
                return seen

    def number() -> None:
        while len(finished) < WRITERS:
            feed.number_decisions(limit=7)

    results = race(
        *[lambda writer=writer: write(writer) for writer in range(WRITERS)],
        lambda: read(limit=2),
        lambda: read(limit=1000),
        number,
    )
    assert filter_results(Exception, results) == []
    everything = sorted(Decision.objects.values_list("external_id", flat=True))
    assert len(everything) == len(set(everything)) > 0
    for seen in (results[WRITERS], results[WRITERS + 1]):
        assert len(seen) == len(set(seen)), "repeated"
        assert sorted(seen) == everything, "missed"
    assert invariants.find_violations() == []


def test_a_late_commit_gets_a_late_number(stream: Stream) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output("the first of the day fixes its rates"))
    written, read = Event(), Event()

    def late() -> None:
        with transaction.atomic():
            stream_setup.route_outputs(stream, stream_setup.build_output("late", confidence=0.9))
            written.set()
            assert read.wait(30)

    def early() -> feed.FeedPage:
        assert written.wait(30)
        stream_setup.route_outputs(stream, stream_setup.build_output("early", confidence=0.9))
        page = feed.read_feed(stream=stream)
        read.set()
        return page

    _, page = race(late, early)
    assert [item["id"] for item in page.items] == ["early"]
    after = feed.read_feed(stream=stream, after=page.next)
    assert [item["id"] for item in after.items] == ["late"]
