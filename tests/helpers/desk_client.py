"""Somebody at a desk over HTTP, without a browser."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from reviewqueue.models import Slot, User
from reviewqueue.queue.claim import held_by
from reviewqueue.queue.claim_view import Claim

BACKEND = "django.contrib.auth.backends.ModelBackend"
HTMX = {"HX-Request": "true"}


class Desk:
    """Somebody at the desk of `intents`."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = Client()
        self.client.force_login(user, backend=BACKEND)

    def look(self, **query: str) -> str:
        return text(self.client.get(reverse("desk", args=["intents"]), query))

    def claim(self) -> Claim:
        (held,) = held_by(self.user, "intents")
        return held

    def post(self, step: str, to: str | int, *, htmx: bool = True, **fields: Any) -> HttpResponse:
        response = self.client.post(reverse(step, args=["intents", to]), fields, headers=HTMX if htmx else {})
        assert isinstance(response, HttpResponse)
        return response

    def decline(self, act: str, reason: str) -> HttpResponse:
        """Press `pass`, `escalate` or `unjudgeable`, and then a reason."""
        fields: dict[str, Any] = {act: reason}
        return self.post("desk-pass" if act == "pass" else "desk-verdict", self.claim().id, **fields)


def text(response: Any) -> str:
    assert isinstance(response, HttpResponse)
    return response.content.decode()


def expire(claim: Claim) -> None:
    Slot.objects.filter(pk=claim.id.split(".")[0]).update(reserved_until=timezone.now() - timedelta(seconds=1))
