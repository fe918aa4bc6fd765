"""The OpenAPI document over HTTP."""

from __future__ import annotations

import hashlib
from functools import cache

import msgspec
from django.http import HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from config.openapi import build_document

MEDIA_TYPE = "application/vnd.oai.openapi+json"


class OpenApiView(APIView):
    """`GET /api/v1/schema`. It is the same for everybody, so anybody may read it."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get(self, request: Request) -> HttpResponse:
        body, etag = _encode_document()
        response = HttpResponse(body, content_type=MEDIA_TYPE)
        response["ETag"] = etag
        patch_cache_control(response, public=True, max_age=300)
        return get_conditional_response(request._request, etag=etag, response=response) or response


@cache
def _encode_document() -> tuple[bytes, str]:
    body = msgspec.json.encode(build_document())
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'
