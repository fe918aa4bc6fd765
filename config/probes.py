"""Endpoints for monitoring: liveness, readiness and metrics."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from escalation.monitoring import database, gauges, heartbeats


@require_safe
def show_liveness(request: HttpRequest) -> HttpResponse:
    """200 if this process answers; nothing else is checked."""
    return JsonResponse({"status": "ok"})


@require_safe
def show_readiness(request: HttpRequest) -> HttpResponse:
    """503 only without the database; otherwise 200, naming each sweep that is late, and a database that is read-only or
    full."""
    try:
        degraded = [] if database.is_writable() else ["database"]
        degraded += [age.sweep.name for age in heartbeats.find_late_sweeps()]
    except Error:
        return JsonResponse({"status": "unavailable", "degraded": ["database"]}, status=503)
    return JsonResponse({"status": "degraded" if degraded else "ok", "degraded": degraded})


@require_safe
def show_metrics(request: HttpRequest) -> HttpResponse:
    """Metrics in Prometheus text format, read from the database: any process may be scraped, all give the same.

    In production they exist only with a token, so that nobody publishes them by not deciding.
    """
    if not settings.METRICS_TOKEN and not settings.LOCAL:
        raise Http404
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if settings.METRICS_TOKEN and not hmac.compare_digest(token.encode(), settings.METRICS_TOKEN.encode()):
        return HttpResponse(
            "Send the metrics token: Authorization: Bearer <METRICS_TOKEN>\n", status=401, content_type="text/plain"
        )
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_GaugeCollector())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _GaugeCollector:
    """A Prometheus collector for `gauges.collect_gauges()`; labelled values share one family."""

    def collect(self) -> Iterator[Metric]:
        for gauge in gauges.collect_gauges():
            family = GaugeMetricFamily(f"reviewqueue_{gauge.name}", gauge.meaning, labels=list(gauge.labels))
            for labels, value in gauge.values:
                family.add_metric(list(labels), value)
            yield family
