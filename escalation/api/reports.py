"""A stream's report over HTTP."""

from __future__ import annotations

from datetime import date, timedelta

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from escalation.api import schemas
from escalation.guarantees import summary
from escalation.reports import stream_report
from escalation.streams import definition
from reviewqueue import http
from reviewqueue.kernel import clock
from reviewqueue.kernel.errors import Invalid

READ = "reports:read"
DEFAULT_DAYS = 28
MOST_DAYS = 366


EARLIEST, LATEST = date(2000, 1, 1), date(2999, 12, 31)  # days of a window have neighbours on the calendar


def _on_the_calendar(day: date) -> None:
    if not EARLIEST <= day <= LATEST:
        raise serializers.ValidationError(f"A day between {EARLIEST} and {LATEST}.")


class ReportQuery(serializers.Serializer[dict[str, object]]):
    since = serializers.DateField(required=False, validators=[_on_the_calendar])
    until = serializers.DateField(required=False, validators=[_on_the_calendar])


class StreamReport(APIView):
    """`GET /streams/{stream}/report?since=&until=`: both days included, the last 28 days unless told."""

    @extend_schema(
        operation_id="read_report",
        parameters=[OpenApiParameter("since", str), OpenApiParameter("until", str)],
        responses={200: schemas.REPORT, **schemas.PROBLEMS},
    )
    def get(self, request: Request, stream: str) -> HttpResponse:
        http.require(request, READ, queue=stream)
        query = schemas.query(ReportQuery, request)
        until = query.get("until") or clock.day(clock.current())
        since = query.get("since") or until - timedelta(days=DEFAULT_DAYS - 1)
        if not timedelta(0) <= until - since < timedelta(days=MOST_DAYS):
            raise Invalid(f"A report covers 1 to {MOST_DAYS} days, and `since` is not after `until`.")
        found = definition.get(stream)
        figures = stream_report.build(stream=found, since=since, until=until)
        return schemas.answer({**stream_report.as_json(figures), "statement": summary.as_json(summary.of(found))})
