"""Query strings in, JSON documents out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from reviewqueue.kernel import sent_json, typed_input


def render_json(document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """A JSON response."""
    return HttpResponse(
        msgspec.json.encode(document, enc_hook=sent_json.encode_number),
        content_type="application/json",
        status=status,
        headers=dict(headers or {}),
    )


def parse_query[T: msgspec.Struct](
    form: type[T], request: Request, *, rules: typed_input.FieldRules | None = None
) -> T:
    """The query string. Raises Invalid for unknown, repeated and invalid parameters."""
    repeated = [name for name, values in request.query_params.lists() if len(values) > 1]
    if repeated:
        problems = [(f"/{name}", f"`{name}` must be sent once") for name in repeated]
        raise typed_input.build_invalid_input("query", problems)
    sent = request.query_params.dict()
    return typed_input.convert_input(sent, form, subject="query", rules=rules, strict=False, kind="parameter")
