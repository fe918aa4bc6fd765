"""Root URLs: the pages of both packages, and both APIs under /api/v1."""

from django.urls import URLPattern, URLResolver, include, path

from config import probes
from config.documentation import ApiDocsView
from config.openapi_view import OpenApiView
from reviewqueue import admin, http

urlpatterns: list[URLPattern | URLResolver] = [
    # First, because it is asked most: a request is compared with one pattern after the other.
    path(
        "api/v1/",
        include(
            [
                path("", include("escalation.api.urls")),
                path("", include("reviewqueue.api.urls")),
                path("schema", OpenApiView.as_view(), name="schema"),
            ]
        ),
    ),
    path("", include("reviewqueue.urls")),
    path("", include("escalation.urls")),
    path("healthz", probes.show_liveness, name="healthz"),
    path("readyz", probes.show_readiness, name="readyz"),
    path("metrics", probes.show_metrics, name="metrics"),
    path("api/docs/", ApiDocsView.as_view(url_name="schema"), name="api-docs"),
    path("admin/", admin.site.urls),
]

handler400 = http.bad_request
handler403 = http.forbidden
handler404 = http.not_found
handler500 = http.server_error
