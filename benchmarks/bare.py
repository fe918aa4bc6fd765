"""A bare application for comparison: the product's settings with views that write one row or return one page."""

from __future__ import annotations

import json
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
settings.ROOT_URLCONF = __name__


@csrf_exempt
def post(request: HttpRequest) -> HttpResponse:
    element = json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bare_output (external_id, body) VALUES (%s, %s)", [element["id"], request.body.decode()]
        )
    return JsonResponse({"id": element["id"], "status": "received"}, status=202)


@csrf_exempt
def page(request: HttpRequest, size: int) -> HttpResponse:
    return HttpResponse("x" * size)


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("bare", post), path("page/<int:size>", page), path("healthz", healthz)]
application = get_wsgi_application()
