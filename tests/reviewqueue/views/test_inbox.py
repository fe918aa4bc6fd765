"""The inbox, the first page after signing in."""

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


def test_the_inbox_shows_waiting_items_and_where_to_start(client: Client, rob: User) -> None:
    queue_items.enqueue_items(1, 2, 3)
    html = _page(client, rob)
    assert "3 items are waiting for review." in html
    assert "Start with Support intents" in html


def test_other_peoples_queues_are_not_listed(client: Client, rob: User) -> None:
    Queue.objects.create(slug="secret", title="Secret matters")
    assert "Secret matters" not in _page(client, rob)


def test_an_empty_inbox_says_so(client: Client, rob: User) -> None:
    html = _page(client, rob)
    assert "All done" in html
    assert "Start with" not in html


def test_a_user_without_queues_learns_how_to_get_one(client: Client, eve: User) -> None:
    assert "You have no queues yet" in _page(client, eve)


def test_only_leads_see_how_many_items_wait_for_a_lead(client: Client, ann: User, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1, undo_seconds=0)
    claim = claim_next(user=rob, slug="intents")
    assert claim is not None
    submit.submit_verdict(claim_id=claim.id, user=rob, kind="escalate")
    labels.settle_due_items()
    assert "1 for the lead" in _page(client, ann)
    assert "for the lead" not in _page(client, rita)


def test_users_who_do_not_review_are_redirected_to_reports(client: Client, mara: User, otto: User) -> None:
    queue_items.enqueue_items(1)
    for person in (mara, otto):
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        assert client.get(reverse("inbox"))["Location"] == reverse("overview")


@override_settings(REPORTS_HOME_URL="")
def test_who_does_not_review_stays_in_the_inbox_without_reports(client: Client, mara: User) -> None:
    assert "Only reviewers and leads review items" in _page(client, mara)


def test_an_anonymous_visitor_is_sent_to_sign_in(client: Client) -> None:
    response = client.get(reverse("inbox"))
    assert response.status_code == 302
    assert reverse("sign-in") in response["Location"]
