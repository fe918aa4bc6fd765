"""Refusals on the desk: they show a message, and no input is lost."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from reviewqueue.models import Membership, Queue, User, Verdict
from reviewqueue.queue.items import withdraw_items
from tests.helpers import desk_client, queue_items
from tests.helpers.desk_client import DeskClient

pytestmark = pytest.mark.django_db


def test_a_late_submit_says_so_and_leaves_the_page_as_it_is(desk: DeskClient) -> None:
    queue_items.enqueue_items(1)
    desk.open_page()
    claim = desk.claim()
    desk_client.expire_claim(claim)
    response = desk.post("desk-verdict", claim.id, verdict="agree", note="a thought")
    html = desk_client.decode_body(response)
    assert response.status_code == 409
    assert (response["HX-Retarget"], response["HX-Reswap"]) == ("#notice", "innerHTML")
    assert "Your reservation ran out" in html
    assert "Next item" in html
    assert not Verdict.objects.exists()


def test_a_late_submit_without_javascript_returns_the_draft(desk: DeskClient) -> None:
    queue_items.enqueue_items(1, 2)
    desk.open_page()
    claim = desk.claim()
    desk_client.expire_claim(claim)
    html = desk_client.decode_body(desk.post("desk-verdict", claim.id, htmx=False, verdict="agree", note="a thought"))
    assert "Your reservation ran out" in html
    assert "a thought" in html
    assert 'name="answer"' not in html


def test_a_withdrawn_item_says_so(desk: DeskClient) -> None:
    queue_items.enqueue_items(1)
    desk.open_page()
    claim = desk.claim()
    withdraw_items(item_ids=[1], actor="key:1")
    html = desk_client.decode_body(desk.post("desk-verdict", claim.id, verdict="agree"))
    assert "withdrawn by its sender" in html


def test_a_refused_undo_leaves_the_item_on_screen_open(desk: DeskClient) -> None:
    queue_items.enqueue_items(*range(1, 13))
    queue_items.judge_next(desk.user)
    for _ in range(10):
        queue_items.claim_next_item(desk.user)
    response = desk.post("desk-undo", Verdict.objects.get().pk)
    assert response.status_code == 409
    assert "Decide or release one" in desk_client.decode_body(response)
    assert "data-lost" not in desk_client.decode_body(response)


def test_a_second_different_verdict_is_not_called_unrecorded(desk: DeskClient) -> None:
    queue_items.enqueue_items(1)
    desk.open_page()
    claim = desk.claim()
    desk.post("desk-verdict", claim.id, verdict="agree")
    html = desk_client.decode_body(desk.post("desk-verdict", claim.id, verdict="none"))
    assert "already decided this item" in html
    assert "data-lost" in html
    assert "Your answer to it was not recorded" not in html


def test_a_claim_opens_only_in_its_own_queue(desk: DeskClient) -> None:
    other = Queue.objects.create(slug="other", title="Other")
    Membership.objects.create(user=desk.user, queue=other)
    queue_items.enqueue_items(1, 2)
    given = queue_items.judge_next(desk.user)
    claim = queue_items.claim_next_item(desk.user)
    for step, to in (("desk-verdict", claim.id), ("desk-undo", given.id)):
        address = reverse(step, args=["other", to])
        assert desk.client.post(address, {"verdict": "agree"}, headers=desk_client.HTMX_HEADERS).status_code == 404
    assert desk.client.get(reverse("desk", args=["other"]), {"claim": claim.id}).status_code == 404
    assert Verdict.objects.counting().count() == 1


@pytest.mark.parametrize("headers", [{}, desk_client.HTMX_HEADERS])
def test_anonymous_visits_create_no_session(queue: Queue, client: Client, headers: dict[str, str]) -> None:
    client.post(reverse("desk-verdict", args=["intents", "1.1"]), {"verdict": "agree"}, headers=headers)
    assert not Session.objects.exists()


def test_a_final_verdict_cannot_be_undone(desk: DeskClient) -> None:
    queue_items.enqueue_items(1, undo_seconds=0)
    desk.open_page()
    desk.post("desk-verdict", desk.claim().id, verdict="agree")
    response = desk.post("desk-undo", Verdict.objects.get().pk)
    assert response.status_code == 409
    assert "final" in desk_client.decode_body(response)
    assert "Undo <" not in desk.open_page()


def test_answer_first_out_of_order_is_refused_with_a_sentence(desk: DeskClient) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    desk.open_page()
    response = desk.post("desk-verdict", desk.claim().id, verdict="agree")
    assert response.status_code == 409
    assert 'data-problem="answer_first"' in desk_client.decode_body(response)


def test_other_peoples_claims_verdicts_and_queues_are_not_found(desk: DeskClient, rita: User, eve: User) -> None:
    queue_items.enqueue_items(1, 2)
    desk.open_page()
    mine = desk.claim().id
    assert DeskClient(rita).post("desk-verdict", mine, verdict="agree").status_code == 404
    desk.post("desk-verdict", mine, verdict="agree")
    assert DeskClient(rita).post("desk-undo", Verdict.objects.get().pk).status_code == 404
    assert DeskClient(eve).client.get(reverse("desk", args=["intents"])).status_code == 404
    assert DeskClient(eve).client.get(reverse("guidelines", args=["intents"])).status_code == 404


def test_managers_and_auditors_have_no_desk(mara: User, otto: User) -> None:
    queue_items.enqueue_items(1)
    for person in (mara, otto):
        assert DeskClient(person).client.get(reverse("desk", args=["intents"])).status_code == 403
        assert DeskClient(person).post("desk-verdict", "1.1", verdict="agree").status_code == 403


def test_a_signed_out_reviewer_is_told_and_loses_nothing(desk: DeskClient) -> None:
    queue_items.enqueue_items(1)
    desk.open_page()
    claim = desk.claim().id
    desk.client.logout()
    response = desk.post("desk-verdict", claim, verdict="agree")
    assert response.status_code == 401
    assert response["HX-Retarget"] == "#notice"
    assert "signed out" in desk_client.decode_body(response)


def test_get_requests_to_actions_change_nothing(desk: DeskClient) -> None:
    for step in ("desk-verdict", "desk-first-answer", "desk-renewal", "desk-pass", "desk-release"):
        assert desk.client.get(reverse(step, args=["intents", "1.1"])).status_code == 405
    assert desk.client.get(reverse("desk-undo", args=["intents", 1])).status_code == 405


def test_input_that_cannot_be_stored_is_refused_without_a_server_error(desk: DeskClient, mara: User) -> None:
    queue_items.enqueue_items(1)
    desk.open_page()
    passed = desk.decline("pass", "a\0b")
    assert passed.status_code == 400

    manager = Client()
    manager.force_login(mara, backend=desk_client.AUTH_BACKEND)
    for path in ("/people/of/a%00b/", "/queues/a%00b/"):
        assert manager.get(path).status_code in {400, 404}
    assert "cannot be stored" in desk_client.decode_body(manager.get("/people/of/a%00b/"))
    reset = manager.post("/people/of/a%00b/password/", {"reason": "a\0b"})
    assert reset.status_code == 400
