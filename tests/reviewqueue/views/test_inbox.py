"""The first page after signing in."""

from __future__ import annotations

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from reviewqueue.models import Queue, User
from reviewqueue.queue.claim import claim_next
from reviewqueue.verdicts import labels, submit
from tests.helpers import queue_items

pytestmark = pytest.mark.django_db


def _page(client: Client, user: User) -> str:
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client.get(reverse("inbox")).content.decode()


def test_the_inbox_tells_what_waits_and_where_to_begin(client: Client, rob: User) -> None:
    queue_items.enqueue_items(1, 2, 3)
    html = _page(client, rob)
    assert "3 items wait for a person." in html
    assert "Start with Support intents" in html


def test_queues_of_others_are_not_there(client: Client, rob: User) -> None:
    Queue.objects.create(slug="secret", title="Secret matters")
    assert "Secret matters" not in _page(client, rob)


def test_an_empty_inbox_says_so(client: Client, rob: User) -> None:
    html = _page(client, rob)
    assert "All done" in html
    assert "Start with" not in html


def test_who_is_in_no_queue_learns_how_that_changes(client: Client, eve: User) -> None:
    assert "You are in no queue yet" in _page(client, eve)


def test_only_leads_see_what_waits_for_a_lead(client: Client, ann: User, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1, undo_seconds=0)
    claim = claim_next(user=rob, slug="intents")
    assert claim is not None
    submit.submit_verdict(claim_id=claim.id, user=rob, kind="escalate")
    labels.settle_due_items()
    assert "1 for a lead" in _page(client, ann)
    assert "for a lead" not in _page(client, rita)


def test_who_does_not_review_is_sent_on_to_the_reports(client: Client, mara: User, otto: User) -> None:
    queue_items.enqueue_items(1)
    for person in (mara, otto):
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        assert client.get(reverse("inbox"))["Location"] == reverse("overview")


@override_settings(REPORTS_HOME_URL="")
def test_who_does_not_review_stays_in_the_inbox_without_reports(client: Client, mara: User) -> None:
    assert "Reviewing is for reviewers and leads" in _page(client, mara)


def test_a_stranger_is_asked_to_sign_in(client: Client) -> None:
    response = client.get(reverse("inbox"))
    assert response.status_code == 302
    assert reverse("sign-in") in response["Location"]
