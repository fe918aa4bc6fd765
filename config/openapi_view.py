"""The OpenAPI document over HTTP, built once per process and language."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from threading import Lock

import msgspec
from django.http import HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.functional import Promise
from django.utils.translation import get_language
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

MEDIA_TYPE = "application/vnd.oai.openapi+json"
_building = Lock()


class OpenApiView(APIView):
    """`GET /api/v1/schema`. It is the same for everybody, so anybody may read it."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        with _building:  # it takes a tenth of a second, so only the first request builds it
            body, etag = _build_document(get_language() or "")
        response = HttpResponse(body, content_type=MEDIA_TYPE)
        response["ETag"] = etag
        patch_cache_control(response, public=True, max_age=300)
        return get_conditional_response(request._request, etag=etag, response=response) or response


@lru_cache(maxsize=16)
def _build_document(language: str) -> tuple[bytes, str]:
    document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    body = msgspec.json.encode(document, enc_hook=_encode_lazy_text)
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _encode_lazy_text(value: object) -> str:
    if isinstance(value, Promise):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} is not JSON")
