"""The decisions feed over HTTP."""

from __future__ import annotations

import time
from threading import BoundedSemaphore

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from escalation.api import schemas
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


class FeedQuery(serializers.Serializer[dict[str, object]]):
    after = serializers.CharField(default="", allow_blank=True, max_length=40)
    limit = serializers.IntegerField(default=100, min_value=1, max_value=feed.MAX_PAGE_SIZE)
    wait = serializers.FloatField(default=0, min_value=0, max_value=MAX_WAIT_SECONDS)


class DecisionFeedView(APIView):
    """`GET /streams/{stream}/decisions?after=CURSOR&limit=N&wait=SECONDS`: oldest first, no gaps, no repeats."""

    @extend_schema(
        operation_id="read_decisions",
        parameters=[
            OpenApiParameter("after", str, description="`next` of the previous page; empty to start at the beginning."),
            OpenApiParameter("limit", int, description="Page size, 1 to 1,000; default 100."),
            OpenApiParameter(
                "wait",
                float,
                description="How long to wait for a new decision if there is none: seconds, up to 20.",
            ),
        ],
        responses={200: schemas.DECISION_PAGE, **schemas.PROBLEMS},
    )
    def get(self, request: Request, stream: str) -> HttpResponse:
        http.require_caller(request, READ_SCOPE, queue=stream)
        query = schemas.parse_query(FeedQuery, request)
        page = _read_or_wait(
            definition.get_stream(stream), after=query["after"], limit=query["limit"], wait=query["wait"]
        )
        return schemas.render_json({"items": page.items, "next": page.next})


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
