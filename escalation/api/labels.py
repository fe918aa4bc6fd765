"""The labelled-data export over HTTP, streamed."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from django.http import HttpResponseBase
from msgspec import UNSET, Meta, UnsetType
from rest_framework.request import Request
from rest_framework.views import APIView

from escalation.api import codec, documents
from escalation.exports import labels
from escalation.streams import definition
from reviewqueue import http

READ_SCOPE = "labels:read"


class ExportFormat(StrEnum):
    JSONL = "jsonl"


class ExportInclude(StrEnum):
    CHECKS = "checks"


class NestedValues(StrEnum):
    JSON = "json"
    TEXT = "text"


class LabelsQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    format: Annotated[ExportFormat, Meta(description="JSON Lines.")] = ExportFormat.JSONL
    include: Annotated[
        ExportInclude | UnsetType,
        Meta(
            description="Also include audited outputs that have no label because they are not answered yet or were "
            "withdrawn. The counts of a guarantee follow from these lines (docs/guarantee.md)."
        ),
    ] = UNSET
    nested: Annotated[
        NestedValues,
        Meta(
            description="How to write the values whose shape is the producer's (`input`, `prediction`, `answer`, "
            "`segment`, `metadata`): as they are, or as a string with their JSON `text`. With `text` all lines have "
            "the same columns and types, which table readers such as pyarrow, DuckDB and pandas need."
        ),
    ] = NestedValues.JSON


class LabelsView(APIView):
    """`GET /streams/{stream}/labels?format=jsonl&include=checks&nested=text`: a line per labelled output or audit."""

    @http.documented(
        http.ApiOperation(
            name="export_labels",
            tag="Labels and report",
            summary="Export labels",
            description="One line per output that people settled, oldest first. Streamed, compressed with gzip for "
            "clients that accept it; ranges are not supported.",
            scope=READ_SCOPE,
            query=LabelsQuery,
            answers={
                200: http.ApiAnswer(
                    "Each line is a `LabelledOutput`.",
                    http.describe_body(documents.LabelledOutput, lines=True),
                    headers={"Accept-Ranges": "`none`.", "Content-Encoding": "`gzip` if the client accepts it."},
                )
            },
        )
    )
    def get(self, request: Request, stream: str) -> HttpResponseBase:
        http.require_caller(request, READ_SCOPE, queue=stream)
        query = codec.parse_query(LabelsQuery, request)
        lines = labels.export_labels(
            definition.get_stream(stream),
            include_audits=query.include is not UNSET,
            nested_as_text=query.nested is NestedValues.TEXT,
        )
        return http.stream_lines(request, lines)
