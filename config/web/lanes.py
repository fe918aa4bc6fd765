"""Which threads serve a request, so that no kind of request can take the threads of another. Pure."""

from __future__ import annotations

import re
from enum import StrEnum
from urllib.parse import unquote_plus, unquote_to_bytes

LIVENESS_PATH, READINESS_PATH = b"/healthz", b"/readyz"
_ORIGIN = re.compile(rb"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_WAIT_QUERY = re.compile(rb"(?:^|&)wait=(?!0?(?:&|$))")
_WAIT_PREFERENCE = re.compile(rb"^prefer:[^\r\n]*\bwait[ \t]*=", re.IGNORECASE | re.MULTILINE)


class Lane(StrEnum):
    """One pool of threads each. The probes have a lane each: a slow database must not make the process look dead."""

    LIVENESS = "liveness"
    READINESS = "readiness"
    FEED = "feed"  # reads of the feed that wait for a decision: they sleep most of the time
    SIGN_IN = "sign-in"  # hashes passwords, for anybody
    ROUTE = "route"  # posts that wait for their route, which can wait for locks
    MAIN = "main"


THREADS = {Lane.LIVENESS: 1, Lane.READINESS: 1, Lane.SIGN_IN: 1, Lane.FEED: 2, Lane.ROUTE: 2}
# Half a second each: later requests are asked to try again.
MAX_WAITING_SIGN_INS = 16
_SIGN_IN_PATHS = frozenset({b"/sign-in/", b"/admin/login/"})


def choose_lane(target: bytes, head: bytes) -> Lane:
    path, query = _split_target(target)
    if path == LIVENESS_PATH:
        return Lane.LIVENESS
    if path == READINESS_PATH:
        return Lane.READINESS
    if path in _SIGN_IN_PATHS and head.startswith(b"POST "):
        return Lane.SIGN_IN
    if not path.startswith(b"/api/"):
        return Lane.MAIN
    if head.startswith((b"GET ", b"HEAD ")) and _WAIT_QUERY.search(query):
        return Lane.FEED
    if head.startswith(b"POST ") and _WAIT_PREFERENCE.search(head):
        return Lane.ROUTE
    return Lane.MAIN


def drop_wait(query: str) -> str:
    """The query of a request that may not wait, because everything in its lane is taken."""
    return "&".join(part for part in query.split("&") if unquote_plus(part.partition("=")[0]) != "wait")


def _split_target(target: bytes) -> tuple[bytes, bytes]:
    """The path and query as the application reads them: without scheme and host, and without escapes.

    Otherwise `/%61pi/` and `http://host/api/` would choose another lane than `/api/`.
    """
    path, _, query = _ORIGIN.sub(b"", target.partition(b"#")[0], count=1).partition(b"?")
    return unquote_to_bytes(path), unquote_to_bytes(query)
