"""The real web server and clients that send slowly, too much, nonsense, or nothing at all."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import httpx
import pytest
from django.db import connection, transaction

from escalation.models import Stream
from reviewqueue.accounts import api_keys
from reviewqueue.models import User
from tests.helpers.web_server import WebServer

pytestmark = [pytest.mark.fault]

POST = "/api/v1/streams/intents/outputs"
HALF_REQUESTS = (
    b"GET /account/ HTTP/1.1\r\nHost: loc",
    b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\n\r\nusername=",
    b"POST " + POST.encode() + b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000\r\n\r\n[{",
    b"POST " + POST.encode() + b" HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n[{",
)


@pytest.fixture
def web(transactional_db: None, tmp_path: Path) -> Iterator[WebServer]:
    server = WebServer(tmp_path)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def _connect(web: WebServer) -> socket.socket:
    parts = urlsplit(web.url)
    client = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20)
    client.settimeout(20)
    return client


def _exchange(web: WebServer, sent: bytes) -> tuple[int, dict[str, Any] | None]:
    """Send these bytes; the status and the problem document of the answer."""
    with _connect(web) as client:
        client.sendall(sent)
        response = http.client.HTTPResponse(client)
        response.begin()
        body = response.read()
    is_problem = response.getheader("Content-Type") == "application/problem+json"
    return response.status, json.loads(body) if is_problem else None


def test_half_sent_requests_do_not_stop_the_product(web: WebServer) -> None:
    """Fifty held sockets: more than a worker has threads, of every kind."""
    with ExitStack() as held:
        for number in range(50):
            client = held.enter_context(_connect(web))
            client.sendall(HALF_REQUESTS[number % len(HALF_REQUESTS)])
        for path, status in (("/healthz", 200), ("/sign-in/", 302), ("/api/v1/schema", 200), (POST, 401)):
            began = time.monotonic()
            assert httpx.get(web.url + path, timeout=15).status_code == status
            assert time.monotonic() - began < 8, path
        # One of them completes its request after all.
        client.sendall(b"x")
        late = held.enter_context(_connect(web))
        late.sendall(HALF_REQUESTS[0])
        late.sendall(b"alhost\r\nConnection: close\r\n\r\n")
        assert late.recv(100).startswith(b"HTTP/1.1 302")


def test_probes_answer_while_every_thread_waits_for_a_lock(web: WebServer, rob: User) -> None:
    _, key = api_keys.create_key(name="intake", scopes=["outputs:write"], by=None)
    request = f"GET {POST}/a HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
    with ExitStack() as held, transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE reviewqueue_apikey IN ACCESS EXCLUSIVE MODE")
        for _ in range(12):
            held.enter_context(_connect(web)).sendall(request)
        for probe in ("/healthz", "/readyz"):
            for host in ("localhost", "10.2.3.4", "[fd00::1]:8000"):
                answer = httpx.get(web.url + probe, headers={"Host": host}, timeout=8)
                assert answer.status_code == 200, (probe, host)


def test_python_clients_see_why_a_large_body_is_refused(web: WebServer, stream: Stream) -> None:
    _, key = api_keys.create_key(name="intake", scopes=["outputs:write"], by=None)
    parts = urlsplit(web.url)
    for size, authorization, status in ((20_000_000, f"Bearer {key}", 413), (6_000_000, "Bearer rq_no", 401)):
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        body = b"[" + b" " * size + b"]"
        with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)) as plain:
            plain.request("POST", POST, body, headers)
            assert plain.getresponse().status == status
        for content in (iter([body[:-1], b"]"]), body):
            answer = httpx.post(web.url + POST, content=content, headers=headers, timeout=20)
            assert answer.status_code == status
            assert answer.headers["Content-Type"] == "application/problem+json"


def test_broken_requests_are_answered_in_the_format_of_the_api(web: WebServer) -> None:
    start = b"POST " + POST.encode() + b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    chunked = start + b"Transfer-Encoding: chunked\r\n\r\n"
    for sent, status in (
        (chunked + b"zz\r\n[]\r\n0\r\n\r\n", 400),
        (chunked + b"2\r\n[]x\r\n0\r\n\r\n", 400),
        (start + b"Expect: boom\r\nContent-Length: 2\r\n\r\n[]", 417),
        (start + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]", 400),
        (start + b"Content-Length: x\r\n\r\n", 400),
        (start + b"Transfer-Encoding: gzip\r\n\r\n", 400),
        (start + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (start + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        (start + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n", 400),
        (start + b"X: " + b"y" * 70_000 + b"\r\n\r\n", 431),
        (start + b"No colon\r\n\r\n", 400),
        (b"POST /api/" + b"x" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (start + b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n", 401),
    ):
        found, problem = _exchange(web, sent)
        assert (found, (problem or {}).get("status")) == (status, status), sent[:300]


def test_a_connection_is_used_again_and_requests_may_follow_closely(web: WebServer) -> None:
    """Also that a client is asked for the body it holds back."""
    head = f"POST {POST} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    with _connect(web) as client, client.makefile("rb") as stream:
        client.sendall(head.encode())
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"[]" + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2)
        assert [_read_status(stream) for _ in range(3)] == [401, 200, 200]


def _read_status(stream: BinaryIO) -> int:
    """Read one response of a connection; its status."""
    status, length = int(stream.readline().split()[1]), 0
    while (line := stream.readline()) != b"\r\n":
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    stream.read(length)
    return status
