"""People's side of /api/v1."""

from django.urls import path

from reviewqueue.api.claims import Claims, OneClaim, OneVerdict, Renewal, Verdicts

urlpatterns = [
    path("queues/<slug:queue>/claims", Claims.as_view(), name="api-claims"),
    path("claims/<str:claim>", OneClaim.as_view(), name="api-claim"),
    path("claims/<str:claim>/verdict", Verdicts.as_view(), name="api-verdict"),
    path("claims/<str:claim>/renewal", Renewal.as_view(), name="api-renewal"),
    path("verdicts/<int:verdict>", OneVerdict.as_view(), name="api-undo"),
]
