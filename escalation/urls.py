"""The manager's pages."""

from django.urls import path

from escalation.views import (
    activity,
    outputs,
    overview,
    policies,
    promises,
    replays,
    reports,
    stops,
    streams,
    thresholds,
)

urlpatterns = [
    path("overview/", overview.overview, name="overview"),
    path("activity/", activity.activity, name="activity"),
    path("outputs/", outputs.everywhere, name="outputs"),
    # STOP of all streams.
    path("stop/", stops.stop, name="stop-all"),
    path("stop/resume-ask/", stops.ask, name="resume-ask-all"),
    path("stop/resume/", stops.resume, name="resume-all"),
    # Streams.
    path("streams/", streams.index, name="streams"),
    path("streams/new/", streams.new, name="stream-new"),
    path("streams/<slug:slug>/", streams.stream, name="stream"),
    path("streams/<slug:slug>/edit/", streams.edit, name="stream-edit"),
    path("streams/<slug:slug>/stop/", stops.stop, name="stop"),
    path("streams/<slug:slug>/resume-ask/", stops.ask, name="resume-ask"),
    path("streams/<slug:slug>/resume/", stops.resume, name="resume"),
    path("streams/<slug:slug>/report/", reports.stream_report, name="report"),
    # Policy versions.
    path("streams/<slug:slug>/policies/", policies.index, name="policies"),
    path("streams/<slug:slug>/policies/new/", policies.new, name="policy-new"),
    path("streams/<slug:slug>/policies/<int:number>/", policies.policy, name="policy"),
    path("streams/<slug:slug>/policies/<int:number>/proposal/", policies.proposal, name="policy-proposal"),
    path("streams/<slug:slug>/policies/<int:number>/replay/", replays.replay, name="policy-replay"),
    path("streams/<slug:slug>/policies/<int:number>/activation/", policies.activation, name="policy-activation"),
    # What the stream promises.
    path("streams/<slug:slug>/promise/", promises.promise, name="promise"),
    path("streams/<slug:slug>/promise/outlook/", promises.outlook, name="promise-outlook"),
    path("streams/<slug:slug>/promise/trial/", thresholds.trial, name="promise-trial"),
    path("streams/<slug:slug>/promise/thresholds.csv", thresholds.curve, name="promise-curve"),
    path("streams/<slug:slug>/promise/honesty.csv", thresholds.honesty, name="promise-honesty"),
    path("streams/<slug:slug>/promise/target/", promises.target, name="promise-target"),
    path("streams/<slug:slug>/promise/look/", promises.look, name="promise-look"),
    path("streams/<slug:slug>/promise/tests/", promises.tests, name="promise-tests"),
    path("streams/<slug:slug>/promise/evidence/<int:attempt_id>/", promises.evidence, name="evidence"),
    path("streams/<slug:slug>/promise/evidence/<int:attempt_id>/policy/", promises.proposal, name="evidence-policy"),
    # Outputs. Their ids are the producers' and may have slashes in them.
    path("streams/<slug:slug>/outputs/", outputs.index, name="outputs"),
    path("streams/<slug:slug>/outputs/<path:external_id>/", outputs.output, name="output"),
    path("streams/<slug:slug>/reopenings/<path:external_id>/", outputs.reopening, name="output-reopening"),
]
