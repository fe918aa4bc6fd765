"""Labelled data over HTTP, streamed."""

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
    """`GET /streams/{stream}/labels?format=jsonl&include=checks`: a line per labelled output or check, oldest first."""

    @extend_schema(
        operation_id="export_labels",
        parameters=[
            OpenApiParameter("format", str, enum=["jsonl"], description="JSON Lines."),
            OpenApiParameter(
                "include",
                str,
                enum=["checks"],
                description="Also outputs that were drawn at random and have no label, because nobody has answered yet "
                "or because they were taken back: what an accuracy statement counts.",
            ),
        ],
        responses={(200, "application/x-ndjson"): schemas.LABELLED_OUTPUT, **schemas.PROBLEMS},
    )
    def get(self, request: Request, stream: str) -> HttpResponseBase:
        http.require_caller(request, READ_SCOPE, queue=stream)
        asked = schemas.parse_query(LabelsQuery, request)
        lines = labels.export_labels(definition.get_stream(stream), checks="include" in asked)
        return StreamingHttpResponse(lines, content_type="application/x-ndjson")
