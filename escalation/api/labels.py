"""Labelled data over HTTP, streamed."""

from __future__ import annotations

from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from escalation import exports, streams
from escalation.api import documents
from reviewqueue import http

READ = "labels:read"


class LabelsQuery(serializers.Serializer[dict[str, object]]):
    format = serializers.ChoiceField(choices=["jsonl"], default="jsonl")


class Labels(APIView):
    """`GET /streams/{stream}/labels?format=jsonl`: one line per labelled output, oldest first."""

    @extend_schema(
        operation_id="export_labels",
        parameters=[OpenApiParameter("format", str, enum=["jsonl"], description="JSON Lines.")],
        responses={(200, "application/x-ndjson"): documents.LABEL, **documents.PROBLEMS},
    )
    def get(self, request: Request, stream: str) -> HttpResponseBase:
        http.require(request, READ, queue=stream)
        documents.query(LabelsQuery, request)
        lines = exports.labels(streams.get(stream))
        return StreamingHttpResponse(lines, content_type="application/x-ndjson")
