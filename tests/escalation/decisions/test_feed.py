"""The decisions feed: numbered in commit order, and read by that number."""

from __future__ import annotations

import pytest

from escalation.decisions import feed
from escalation.models import Decision, FeedHead, Stream
from reviewqueue.kernel.errors import Invalid
from tests.helpers import stream_setup


def _ids(page: feed.FeedPage) -> list[str]:
    return [item["id"] for item in page.items]


def _everything(stream: Stream, *, limit: int, after: str = "") -> list[str]:
    found: list[str] = []
    while (page := feed.read_feed(stream=stream, after=after, limit=limit)).items:
        found += _ids(page)
        after = page.next
    return found


def test_an_empty_feed_returns_a_usable_cursor(stream: Stream) -> None:
    page = feed.read_feed(stream=stream)
    assert page.items == []
    stream_setup.route_outputs(stream, stream_setup.build_output(confidence=0.9))
    assert _ids(feed.read_feed(stream=stream, after=page.next)) == ["ticket-1"]


def test_reading_numbers_unnumbered_decisions(stream: Stream) -> None:
    stream_setup.route_outputs(stream, *stream_setup.build_outputs(3, confidence=0.9))
    assert not Decision.objects.filter(seq__isnull=False).exists()
    page = feed.read_feed(stream=stream)
    assert _ids(page) == ["ticket-1", "ticket-2", "ticket-3"]
    assert list(Decision.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2, 3]
    assert feed.read_feed(stream=stream, after=page.next) == feed.FeedPage([], page.next)


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_of_any_size_have_no_gaps_or_repeats(stream: Stream, limit: int) -> None:
    other = stream_setup.create_stream("invoices")
    for first in range(1, 8):
        stream_setup.route_outputs(stream, stream_setup.build_output(f"ticket-{first}", confidence=0.9))
        stream_setup.route_outputs(other, stream_setup.build_output(f"invoice-{first}", confidence=0.9))
        feed.number_decisions()
    assert _everything(stream, limit=limit) == [f"ticket-{number}" for number in range(1, 8)]
    assert _everything(other, limit=limit) == [f"invoice-{number}" for number in range(1, 8)]


def test_numbering_is_limited_and_leaves_no_gap(stream: Stream) -> None:
    stream_setup.route_outputs(stream, *stream_setup.build_outputs(7, confidence=0.9))
    assert [feed.number_decisions(limit=3) for _ in range(4)] == [3, 3, 1, 0]
    assert list(Decision.objects.order_by("seq").values_list("seq", flat=True)) == list(range(1, 8))
    assert FeedHead.objects.get().seq == 7


def test_a_feed_item_has_the_decision(stream: Stream) -> None:
    stream_setup.route_outputs(
        stream,
        stream_setup.build_output("plain", confidence=0.9),
        stream_setup.build_output("shadow", confidence=0.9, shadow=True),
    )
    plain, shadow = feed.read_feed(stream=stream).items
    assert shadow["shadow"] is True
    assert "shadow" not in plain
    assert {name: plain[name] for name in ("id", "answer", "outcome", "by", "revision")} == {
        "id": "plain",
        "answer": "refund",
        "outcome": "answered",
        "by": "model",
        "revision": 1,
    }


@pytest.mark.parametrize("cursor", ["1", "x", "abc.", ".x", "a.b.c", "a.-1", "a.1e3", "a." + "9" * 19, "a.1.5", " "])
def test_a_malformed_cursor_is_rejected(stream: Stream, cursor: str) -> None:
    with pytest.raises(Invalid):
        feed.read_feed(stream=stream, after=cursor)


def test_restoring_the_feed_invalidates_every_cursor(stream: Stream) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output(confidence=0.9))
    old = feed.read_feed(stream=stream).next
    epoch = feed.begin_new_epoch()
    with pytest.raises(feed.CursorExpired) as refused:
        feed.read_feed(stream=stream, after=old)
    assert (refused.value.status, refused.value.code) == (410, "cursor_expired")
    again = feed.read_feed(stream=stream)
    assert _ids(again) == ["ticket-1"]
    assert again.next.startswith(f"{epoch}.")


def test_a_feed_can_be_restored_before_its_first_decision(stream: Stream) -> None:
    feed.begin_new_epoch()
    stream_setup.route_outputs(stream, stream_setup.build_output(confidence=0.9))
    assert _ids(feed.read_feed(stream=stream)) == ["ticket-1"]


@pytest.mark.parametrize(("asked", "given"), [(0, 1), (-5, 1), (2, 2), (10**6, 3)])
def test_page_length_is_limited(stream: Stream, asked: int, given: int) -> None:
    stream_setup.route_outputs(stream, *stream_setup.build_outputs(3, confidence=0.9))
    assert len(feed.read_feed(stream=stream, limit=asked).items) == given
