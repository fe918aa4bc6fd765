"""A stream's report over HTTP."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

import msgspec
from django.http import HttpResponse
from msgspec import UNSET, Meta, UnsetType
from rest_framework.request import Request
from rest_framework.views import APIView

from escalation.api import codec, report_documents
from escalation.guarantees import summary
from escalation.models import output_id
from escalation.models.output_id import DayBasis
from escalation.reports import report_json, stream_report
from escalation.streams import definition
from reviewqueue import http
from reviewqueue.kernel import clock
from reviewqueue.kernel.typed_input import build_invalid_input

READ_SCOPE = "reports:read"
DEFAULT_WINDOW_DAYS = 28
MAX_WINDOW_DAYS = 366
# Well inside what `date` can hold, because reports compute with the days next to the window's.
EARLIEST_DAY, LATEST_DAY = date(2000, 1, 1), date(2999, 12, 31)


class ReportQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    since: Annotated[date | UnsetType, Meta(description="The first day; by default 27 days before the last.")] = UNSET
    until: Annotated[date | UnsetType, Meta(description="The last day; by default today.")] = UNSET
    by: Annotated[
        DayBasis,
        Meta(
            description="Whether an output counts on the day it was received or on that of its `occurred_at` (of its "
            "receipt where it has none). By `occurred`, the report covers outputs received from "
            f"{output_id.EARLIEST_RECEIPT_DAYS} day before to {output_id.LATEST_RECEIPT_DAYS} days after the window. "
            "People's decisions, times to decision and `acts` always count on the day people worked."
        ),
    ] = DayBasis.RECEIVED


class StreamReportView(APIView):
    """`GET /streams/{stream}/report?since=&until=&by=`: both days included; defaults to the last 28 days."""

    @http.documented(
        http.ApiOperation(
            name="read_report",
            tag="Labels and report",
            summary="Read a stream's report",
            description="Throughput, error rate with its interval, costs and the guarantee, for 1 to "
            f"{MAX_WINDOW_DAYS} days.",
            scope=READ_SCOPE,
            query=ReportQuery,
            answers={200: http.ApiAnswer("The figures.", http.describe_body(report_documents.ReportDocument))},
        )
    )
    def get(self, request: Request, stream: str) -> HttpResponse:
        http.require_caller(request, READ_SCOPE, queue=stream)
        query = codec.parse_query(ReportQuery, request)
        since, until = _validate_window(query)
        found = definition.get_stream(stream)
        figures = stream_report.build_report(stream=found, since=since, until=until, by=query.by)
        guarantee = summary.build_guarantee_summary(found)
        return codec.render_json(
            {
                **report_json.report_as_json(figures),
                "guarantee": summary.guarantee_as_json(guarantee),
                "statement": summary.statement_as_json(guarantee),
            }
        )


def _validate_window(query: ReportQuery) -> tuple[date, date]:
    given = {"since": query.since, "until": query.until}
    sentence = f"must be a date from {EARLIEST_DAY} to {LATEST_DAY}"
    outside = [name for name, day in given.items() if day is not UNSET and not EARLIEST_DAY <= day <= LATEST_DAY]
    if outside:
        raise build_invalid_input(
            "query", [(f"/{name}", f"`{name}` {sentence} (got {given[name]})") for name in outside]
        )
    until = clock.team_date(clock.current_time()) if query.until is UNSET else query.until
    since = until - timedelta(days=DEFAULT_WINDOW_DAYS - 1) if query.since is UNSET else query.since
    if since > until:
        raise build_invalid_input("query", [("/since", f"`since` must not be after `until` (got {since} and {until})")])
    if until - since >= timedelta(days=MAX_WINDOW_DAYS):
        days = (until - since).days + 1
        sentence = f"a report covers at most {MAX_WINDOW_DAYS} days (got {days:,}, from {since} to {until})"
        raise build_invalid_input("query", [("/since", sentence)])
    return since, until
