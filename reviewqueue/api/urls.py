"""URLs of the review side of /api/v1."""

from django.urls import path

from reviewqueue.api.claims import ClaimListView, ClaimRenewalView, ClaimVerdictView, ClaimView, VerdictView

urlpatterns = [
    path("queues/<slug:queue>/claims", ClaimListView.as_view(), name="api-claims"),
    path("claims/<str:claim>", ClaimView.as_view(), name="api-claim"),
    path("claims/<str:claim>/verdict", ClaimVerdictView.as_view(), name="api-verdict"),
    path("claims/<str:claim>/renewal", ClaimRenewalView.as_view(), name="api-renewal"),
    path("verdicts/<int:verdict>", VerdictView.as_view(), name="api-undo"),
]
