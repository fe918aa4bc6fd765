"""The labelled-data export over HTTP, streamed."""

from __future__ import annotations

from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from escalation.api import schemas
from escalation.exports import labels
from escalation.streams import definition
from reviewqueue import http

READ_SCOPE = "labels:read"


class LabelsQuery(serializers.Serializer[dict[str, object]]):
    format = serializers.ChoiceField(choices=["jsonl"], default="jsonl")
    include = serializers.ChoiceField(choices=["checks"], required=False)


class LabelsView(APIView):
    """`GET /streams/{stream}/labels?format=jsonl&include=checks`: a line per labelled output or audit, oldest first."""

    @extend_schema(
        operation_id="export_labels",
        parameters=[
            OpenApiParameter("format", str, enum=["jsonl"], description="JSON Lines."),
            OpenApiParameter(
                "include",
                str,
                enum=["checks"],
                description="Also include audited outputs that have no label because they are not answered yet or "
                "were withdrawn. The counts of a guarantee follow from these lines (docs/guarantee.md).",
            ),
        ],
        responses={(200, "application/x-ndjson"): schemas.LABELLED_OUTPUT, **schemas.PROBLEMS},
    )
    def get(self, request: Request, stream: str) -> HttpResponseBase:
        http.require_caller(request, READ_SCOPE, queue=stream)
        query = schemas.parse_query(LabelsQuery, request)
        lines = labels.export_labels(definition.get_stream(stream), include_audits="include" in query)
        return StreamingHttpResponse(lines, content_type="application/x-ndjson")
