"""The escalation part of /api/v1."""

from django.urls import path

from escalation.api.decisions import DecisionFeedView
from escalation.api.labels import LabelsView
from escalation.api.outputs import OutputsView, OutputView
from escalation.api.reports import StreamReportView

urlpatterns = [
    path("streams/<slug:stream>/outputs", OutputsView.as_view(), name="api-outputs"),
    path("streams/<slug:stream>/outputs/<path:external_id>", OutputView.as_view(), name="api-output"),
    path("streams/<slug:stream>/decisions", DecisionFeedView.as_view(), name="api-decisions"),
    path("streams/<slug:stream>/labels", LabelsView.as_view(), name="api-labels"),
    path("streams/<slug:stream>/report", StreamReportView.as_view(), name="api-report"),
]
