"""How the web server finds the end of a request, and which threads serve it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.web.arrival import MAX_CHUNKS, MAX_HEAD_BYTES, Arrival, BadFraming
from config.web.lanes import Lane, choose_lane, drop_wait

LENGTH = b"POST /api/v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world"
CHUNKED = (
    b"POST /api/v1/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nTrailer: yes\r\n\r\n"
)
PLAIN = b"GET /inbox?x=1 HTTP/1.1\r\nHost: a\r\n\r\n"


@given(st.sampled_from([LENGTH, CHUNKED, PLAIN]), st.sampled_from([b"", b"G", PLAIN]), st.lists(st.integers(1, 40)))
def test_a_request_is_the_same_however_its_bytes_are_cut(sent: bytes, next_one: bytes, cuts: list[int]) -> None:
    arrival, left = Arrival(max_body_bytes=100), sent + next_one
    for size in [*cuts, len(left)]:
        if not arrival.ready:
            arrival.feed(left[:size])
            left = left[size:]

    assert arrival.ready
    assert not arrival.too_large
    assert arrival.take_body() == (b"" if sent is PLAIN else b"hello world")
    assert arrival.rest + left == next_one


@given(st.sampled_from([LENGTH, CHUNKED, PLAIN]), st.data())
def test_a_part_of_a_request_is_never_ready(request_bytes: bytes, data: st.DataObject) -> None:
    arrival = Arrival(max_body_bytes=100)
    arrival.feed(request_bytes[: data.draw(st.integers(0, len(request_bytes) - 1))])

    assert not arrival.ready


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_end_in_an_answer_or_wait_for_more(noise: bytes, after_a_head: bool) -> None:
    arrival = Arrival(max_body_bytes=50)
    with suppress(BadFraming):
        arrival.feed((CHUNKED.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if after_a_head else b"") + noise)
    assert arrival.held_bytes < 400


def test_a_body_past_the_limit_is_ready_early_and_hardly_kept() -> None:
    declared, streamed = Arrival(max_body_bytes=10), Arrival(max_body_bytes=10)
    declared.feed(LENGTH[: LENGTH.index(b"\r\n\r\n") + 4])
    streamed.feed(CHUNKED)

    for arrival in (declared, streamed):
        assert arrival.ready
        assert arrival.too_large
    assert declared.take_body() == b""
    assert streamed.take_body() == b"hello world"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * MAX_HEAD_BYTES, 431),
        (CHUNKED.replace(b"5\r\n", b"5x\r\n"), 400),
        (CHUNKED.replace(b"5\r\n", b"-5\r\n"), 400),
        (CHUNKED.replace(b"5\r\n", b"\r\n"), 400),
        (CHUNKED.replace(b"hello", b"hello!"), 400),
        (CHUNKED.replace(b"value", b"v" * 300), 400),
        (CHUNKED.partition(b"5\r\n")[0] + b"1\r\nx\r\n" * (MAX_CHUNKS + 1), 400),
        (CHUNKED.replace(b"Trailer: yes\r\n", b"T: y\r\n" * 5000), 431),
    ],
    ids=range(8),
)
def test_what_is_no_request_is_refused_while_it_arrives(sent: bytes, status: int) -> None:
    with pytest.raises(BadFraming) as refusal:
        Arrival(max_body_bytes=1_000_000).feed(sent)

    assert refusal.value.status == status


def test_requests_that_wait_and_probes_have_threads_of_their_own() -> None:
    waiting = b"POST /api/v1/streams/s/outputs HTTP/1.1\r\nPrefer: respond-async, wait=5\r\n\r\n"
    for target, head, lane in (
        (b"/healthz", b"GET /healthz HTTP/1.1\r\n", Lane.LIVENESS),
        (b"/readyz?verbose", b"GET /readyz HTTP/1.1\r\n", Lane.READINESS),
        (b"/api/v1/streams/s/decisions?after=&wait=20", b"GET ", Lane.FEED),
        (b"/api/v1/streams/s/decisions?wait=0", b"GET ", Lane.MAIN),
        (b"/api/v1/streams/s/decisions", b"GET ", Lane.MAIN),
        (b"/api/v1/streams/s/outputs", waiting, Lane.ROUTE),
        (b"/queues/s/?wait=3", b"GET ", Lane.MAIN),
        (b"/sign-in/?next=/", b"POST ", Lane.SIGN_IN),
        (b"/sign-in/", b"GET ", Lane.MAIN),
        (b"", b"", Lane.MAIN),
    ):
        assert choose_lane(target, head) is lane


def test_another_spelling_of_an_address_does_not_reach_another_lane() -> None:
    waiting = b"POST / HTTP/1.1\r\nPrefer: wait=5\r\n\r\n"
    for target, head, lane in (
        (b"/%61pi/v1/streams/s/outputs", waiting, Lane.ROUTE),
        (b"http://127.0.0.1/api/v1/streams/s/outputs", waiting, Lane.ROUTE),
        (b"/api/v1/streams/s/decisions?w%61it=20", b"GET ", Lane.FEED),
        (b"/api/v1/streams/s/decisions?wait=20", b"HEAD ", Lane.FEED),
        (b"/%73ign-in/", b"POST ", Lane.SIGN_IN),
        (b"HTTP://host:9000/sign-in/?next=/", b"POST ", Lane.SIGN_IN),
        (b"http://host/healthz", b"GET ", Lane.LIVENESS),
        (b"//sign-in/", b"POST ", Lane.MAIN),
    ):
        assert choose_lane(target, head) is lane, target
    assert drop_wait("after=1&w%61it=20&wait=3") == "after=1"
