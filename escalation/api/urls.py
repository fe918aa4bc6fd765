"""The machines' side of /api/v1."""

from django.urls import path

from escalation.api.decisions import Feed
from escalation.api.labels import Labels
from escalation.api.outputs import OneOutput, Outputs
from escalation.api.reports import StreamReport

urlpatterns = [
    path("streams/<slug:stream>/outputs", Outputs.as_view(), name="api-outputs"),
    path("streams/<slug:stream>/outputs/<path:external_id>", OneOutput.as_view(), name="api-output"),
    path("streams/<slug:stream>/decisions", Feed.as_view(), name="api-decisions"),
    path("streams/<slug:stream>/labels", Labels.as_view(), name="api-labels"),
    path("streams/<slug:stream>/report", StreamReport.as_view(), name="api-report"),
]
