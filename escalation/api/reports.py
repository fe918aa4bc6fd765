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
from escalation.models import output_id
from escalation.models.output_id import DayBasis
from escalation.reports import stream_report
from escalation.streams import definition
from reviewqueue import http
from reviewqueue.kernel import clock
from reviewqueue.kernel.errors import Invalid

READ_SCOPE = "reports:read"
DEFAULT_WINDOW_DAYS = 28
MAX_WINDOW_DAYS = 366
# Well inside what `date` can hold, because reports compute with the days next to the window's.
EARLIEST_DAY, LATEST_DAY = date(2000, 1, 1), date(2999, 12, 31)


def _validate_day(day: date) -> None:
    if not EARLIEST_DAY <= day <= LATEST_DAY:
        raise serializers.ValidationError(f"Must be a date from {EARLIEST_DAY} to {LATEST_DAY}.")


class ReportQuery(serializers.Serializer[dict[str, object]]):
    since = serializers.DateField(required=False, validators=[_validate_day])
    until = serializers.DateField(required=False, validators=[_validate_day])
    by = serializers.ChoiceField(choices=[basis.value for basis in DayBasis], default=DayBasis.RECEIVED.value)


class StreamReportView(APIView):
    """`GET /streams/{stream}/report?since=&until=&by=`: both days included; defaults to the last 28 days."""

    @extend_schema(
        operation_id="read_report",
        parameters=[
            OpenApiParameter("since", str),
            OpenApiParameter("until", str),
            OpenApiParameter(
                "by",
                str,
                enum=[basis.value for basis in DayBasis],
                default=DayBasis.RECEIVED.value,
                description="Whether an output counts on the day it was received or on that of its `occurred_at` (of "
                "its receipt where it has none). By `occurred`, the report covers outputs received from "
                f"{output_id.EARLIEST_RECEIPT_DAYS} day before to {output_id.LATEST_RECEIPT_DAYS} days after the "
                "window. People's decisions, times to decision and `acts` always count on the day people worked.",
            ),
        ],
        responses={200: schemas.REPORT, **schemas.PROBLEMS},
    )
    def get(self, request: Request, stream: str) -> HttpResponse:
        http.require_caller(request, READ_SCOPE, queue=stream)
        query = schemas.parse_query(ReportQuery, request)
        until = query.get("until") or clock.team_date(clock.current_time())
        since = query.get("since") or until - timedelta(days=DEFAULT_WINDOW_DAYS - 1)
        if not timedelta(0) <= until - since < timedelta(days=MAX_WINDOW_DAYS):
            raise Invalid(f"A report covers 1 to {MAX_WINDOW_DAYS} days, and `since` must not be after `until`.")
        found = definition.get_stream(stream)
        figures = stream_report.build_report(stream=found, since=since, until=until, by=DayBasis(query["by"]))
        guarantee = summary.build_guarantee_summary(found)
        return schemas.render_json(
            {
                **stream_report.report_as_json(figures),
                "guarantee": summary.guarantee_as_json(guarantee),
                "statement": summary.statement_as_json(guarantee),
            }
        )
