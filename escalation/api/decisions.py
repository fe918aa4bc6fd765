"""The decisions feed over HTTP."""

from __future__ import annotations

import time
from threading import BoundedSemaphore
from typing import Annotated

import msgspec
from django.http import HttpResponse
from msgspec import Meta
from rest_framework.request import Request
from rest_framework.views import APIView

from escalation.api import codec, documents
from escalation.decisions import feed
from escalation.decisions.feed import FeedPage
from escalation.models import Stream
from escalation.streams import definition
from reviewqueue import http

READ_SCOPE = "decisions:read"
MAX_WAIT_SECONDS = 20
POLL_SECONDS = 0.25

# A waiting request occupies a thread, so at most two may wait per process; all others are answered at once.
_waiters = BoundedSemaphore(2)


class FeedQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    after: Annotated[
        str,
        Meta(
            max_length=40,
            pattern=r"^([0-9a-z]+\.[0-9]{1,18})?$",
            description="`next` of the previous page; empty or absent to start at the beginning.",
        ),
    ] = ""
    limit: Annotated[int, Meta(ge=1, le=feed.MAX_PAGE_SIZE, description="The most decisions to return.")] = 100
    wait: Annotated[
        float,
        Meta(ge=0, le=MAX_WAIT_SECONDS, description="Seconds to wait for a new decision if there is none."),
    ] = 0


_FEED_RULES = {"after": "the `next` of an earlier page, or left out to start at the beginning"}


class DecisionFeedView(APIView):
    """`GET /streams/{stream}/decisions?after=CURSOR&limit=N&wait=SECONDS`: oldest first, no gaps, no repeats."""

    @http.documented(
        http.ApiOperation(
            name="read_decisions",
            tag="Decisions",
            summary="Read decisions",
            description="The stream's decisions in the order they were made, without gaps or repeats. Keep `next`, and "
            "send it as `after` next time. At most two requests per server process wait; others return at once.",
            scope=READ_SCOPE,
            query=FeedQuery,
            answers={
                200: http.ApiAnswer(
                    "A page of decisions.",
                    http.describe_body(documents.DecisionPage),
                    links={"read_decisions": {"stream": "$request.path.stream", "after": "$response.body#/next"}},
                )
            },
            problems={410: "`cursor_expired`: the feed was restored from a backup; read it again from the beginning"},
        )
    )
    def get(self, request: Request, stream: str) -> HttpResponse:
        http.require_caller(request, READ_SCOPE, queue=stream)
        query = codec.parse_query(FeedQuery, request, rules=_FEED_RULES)
        page = _read_or_wait(definition.get_stream(stream), after=query.after, limit=query.limit, wait=query.wait)
        return codec.render_json({"items": page.items, "next": page.next})


def _read_or_wait(stream: Stream, *, after: str, limit: int, wait: float) -> FeedPage:
    page = feed.read_feed(stream=stream, after=after, limit=limit)
    if page.items or not wait or not _waiters.acquire(blocking=False):
        return page
    try:
        until = time.monotonic() + wait
        while not page.items and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
            page = feed.read_feed(stream=stream, after=after, limit=limit)
    finally:
        _waiters.release()
    return page
