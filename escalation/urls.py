"""The manager's pages."""

from django.urls import path
from django.views.generic import RedirectView

from escalation.views import (
    activity,
    guarantees,
    outputs,
    overview,
    policies,
    policy_editor,
    replays,
    reports,
    stops,
    streams,
    thresholds,
)

urlpatterns = [
    path("overview/", overview.show_overview, name="overview"),
    path("activity/", activity.show_activity, name="activity"),
    path("outputs/", outputs.list_all_outputs, name="outputs"),
    # STOP of all streams.
    path("stop/", stops.stop_automation, name="stop-all"),
    path("stop/resume-request/", stops.post_resume_request, name="resume-request-all"),
    path("stop/resume/", stops.resume_automation, name="resume-all"),
    # Streams.
    path("streams/", streams.list_streams, name="streams"),
    path("streams/new/", streams.create_stream, name="stream-new"),
    path("streams/<slug:slug>/", streams.show_stream, name="stream"),
    path("streams/<slug:slug>/edit/", streams.edit_stream, name="stream-edit"),
    path("streams/<slug:slug>/stop/", stops.stop_automation, name="stop"),
    path("streams/<slug:slug>/resume-request/", stops.post_resume_request, name="resume-request"),
    path("streams/<slug:slug>/resume/", stops.resume_automation, name="resume"),
    path("streams/<slug:slug>/report/", reports.show_report, name="report"),
    # Policy versions.
    path("streams/<slug:slug>/policies/", policies.list_policies, name="policies"),
    path("streams/<slug:slug>/policies/new/", policy_editor.create_policy, name="policy-new"),
    path("streams/<slug:slug>/policies/preview/", policy_editor.preview_policy, name="policy-preview"),
    path("streams/<slug:slug>/policies/<int:number>/", policies.show_policy, name="policy"),
    path(
        "streams/<slug:slug>/policies/<int:number>/approval-request/",
        policies.request_approval,
        name="policy-approval-request",
    ),
    path("streams/<slug:slug>/policies/<int:number>/decline/", policies.decline_policy, name="policy-decline"),
    path("streams/<slug:slug>/policies/<int:number>/replay/", replays.show_replay, name="policy-replay"),
    path("streams/<slug:slug>/policies/<int:number>/activation/", policies.activate_policy, name="policy-activation"),
    # The guarantee of a stream.
    path("streams/<slug:slug>/guarantee/", guarantees.show_guarantee, name="guarantee"),
    path("streams/<slug:slug>/guarantee/readiness/", guarantees.show_readiness, name="guarantee-readiness"),
    path("streams/<slug:slug>/guarantee/preview/", thresholds.show_preview, name="guarantee-preview"),
    path("streams/<slug:slug>/guarantee/thresholds.csv", thresholds.download_curve, name="guarantee-curve"),
    path(
        "streams/<slug:slug>/guarantee/calibration.csv", thresholds.download_calibration, name="guarantee-calibration"
    ),
    path("streams/<slug:slug>/guarantee/target/", guarantees.set_error_target, name="guarantee-target"),
    path("streams/<slug:slug>/guarantee/test-items/", guarantees.add_test_items, name="guarantee-test-items"),
    path("streams/<slug:slug>/guarantee/evidence/<int:evaluation_id>/", guarantees.show_evidence, name="evidence"),
    path(
        "streams/<slug:slug>/guarantee/evidence/<int:evaluation_id>/policy/",
        guarantees.propose_certified_policy,
        name="evidence-policy",
    ),
    # Addresses of before the guarantee had its name, for bookmarks.
    path(
        "streams/<slug:slug>/promise/",
        RedirectView.as_view(
            http_method_names=("get", "head"), pattern_name="guarantee", query_string=True, permanent=True
        ),
        name="promise-moved",
    ),
    path(
        "streams/<slug:slug>/promise/evidence/<int:evaluation_id>/",
        RedirectView.as_view(
            http_method_names=("get", "head"), pattern_name="evidence", query_string=True, permanent=True
        ),
        name="evidence-moved",
    ),
    # Outputs. Their ids are the producers' and may have slashes in them.
    path("streams/<slug:slug>/outputs/", outputs.list_outputs, name="outputs"),
    path("streams/<slug:slug>/outputs/<path:external_id>/", outputs.show_output, name="output"),
    path("streams/<slug:slug>/reopenings/<path:external_id>/", outputs.reopen_output, name="output-reopening"),
]
