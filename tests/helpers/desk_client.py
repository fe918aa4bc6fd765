"""A reviewer at the desk over HTTP, without a browser."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from reviewqueue.models import Slot, User
from reviewqueue.queue.claim import list_held_claims
from reviewqueue.queue.claim_view import Claim

AUTH_BACKEND = "django.contrib.auth.backends.ModelBackend"
HTMX_HEADERS = {"HX-Request": "true"}


class DeskClient:
    """A reviewer at the desk of `intents`."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = Client()
        self.client.force_login(user, backend=AUTH_BACKEND)

    def open_page(self, **query: str) -> str:
        return decode_body(self.client.get(reverse("desk", args=["intents"]), query))

    def claim(self) -> Claim:
        (held,) = list_held_claims(self.user, "intents")
        return held

    def post(self, step: str, to: str | int, *, htmx: bool = True, **fields: Any) -> HttpResponse:
        response = self.client.post(reverse(step, args=["intents", to]), fields, headers=HTMX_HEADERS if htmx else {})
        assert isinstance(response, HttpResponse)
        return response

    def decline(self, act: str, reason: str) -> HttpResponse:
        """Press `pass`, `escalate` or `unjudgeable` and choose a reason."""
        fields: dict[str, Any] = {act: reason}
        return self.post("desk-pass" if act == "pass" else "desk-verdict", self.claim().id, **fields)


def decode_body(response: Any) -> str:
    assert isinstance(response, HttpResponse)
    return response.content.decode()


def expire_claim(claim: Claim) -> None:
    Slot.objects.filter(pk=claim.id.split(".")[0]).update(reserved_until=timezone.now() - timedelta(seconds=1))
