"""A client's connection, and the request that arrives on it."""

from __future__ import annotations

import io
import socket
import time
from typing import Any

from django.conf import settings
from gunicorn.http.errors import UnsupportedTransferCoding
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser

from config.web.arrival import Arrival, BadFraming
from config.web.lanes import Lane


class Connection:
    """A client's connection. `cfg`, `sock`, `client`, `server` and `timeout` are what gunicorn's worker expects."""

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any) -> None:
        self.cfg, self.sock, self.client, self.server = cfg, sock, client, server
        self.timeout = 0.0  # of an idle connection
        self.requests = 0
        self.arrival = Arrival(max_body_bytes=0)
        self.began = self.queued = 0.0
        self.held_bytes = 0
        self.lane = Lane.MAIN
        self.watched = False
        self.lingered_bytes = 0
        sock.setblocking(False)

    def begin_arrival(self) -> None:
        self.arrival = Arrival(max_body_bytes=settings.API_BODY_LIMIT)
        self.began = time.monotonic()

    def parse_request(self) -> Any:
        """The request as gunicorn parses its head, with the body that has arrived. Raises gunicorn's ParseException."""
        self.requests += 1
        parser = RequestParser(self.cfg, [self.arrival.head], self.client)
        parser.req_count = self.requests - 1  # only the first request of a connection may carry a PROXY line
        request = next(parser)
        self._check_framing(request)
        request.body = io.BytesIO(b"" if self.arrival.declared and self.arrival.too_large else self.arrival.take_body())
        request._expected_100_continue = False  # the main loop has asked for the body
        if self.arrival.too_large:
            request.force_close()
        return request

    def _check_framing(self, request: Request) -> None:
        lengths = [value for name, value in request.headers if name == "CONTENT-LENGTH"]
        codings = [value.strip().lower() for name, value in request.headers if name == "TRANSFER-ENCODING"]
        if codings not in ([], ["chunked"]):
            raise UnsupportedTransferCoding(", ".join(codings))
        chunked = bool(codings)
        if chunked != self.arrival.chunked or (not chunked and int((lengths or [0])[0]) != self.arrival.declared):
            raise BadFraming(400, "The request is malformed: the length of its body is not clear.")

    def set_timeout(self) -> None:
        self.timeout = time.monotonic() + self.cfg.keepalive

    def close(self, graceful: bool = False) -> None:
        self.sock.close()
