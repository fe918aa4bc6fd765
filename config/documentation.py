"""The page that shows the API's documentation."""

from __future__ import annotations

from drf_spectacular.views import SpectacularSwaggerSplitView


class ApiDocsView(SpectacularSwaggerSplitView):
    """The docs page; its markup and script are our own files, so that the strict CSP applies to it too."""

    template_name = "api_docs.html"
