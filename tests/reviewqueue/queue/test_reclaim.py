"""Reclaim a lost item under the same rules as any claim, and say who has it otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from reviewqueue.accounts import roles
from reviewqueue.kernel import clock, errors
from reviewqueue.models import Pass, Seen, Slot, User, Verdict
from reviewqueue.queue import lease, reclaim
from reviewqueue.queue.claim import TooManyClaims, list_held_claims
from reviewqueue.queue.claim_view import Claim
from reviewqueue.queue.items import withdraw_items
from reviewqueue.queue.passing import pass_item
from reviewqueue.verdicts import drafts, labels, submit
from tests.helpers import queue_items

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("balanced")]


def _lapsed(user: User, **fields: Any) -> Claim:
    """A claim whose reservation ran out with a draft in the form."""
    queue_items.enqueue_items(1, **fields)
    claim = queue_items.claim_next_item(user)
    drafts.save_draft(claim_id=claim.id, user=user, fields={"note": ["half a thought"]})
    _lapse()
    return claim


def _lapse() -> None:
    Slot.objects.open().exclude(holder=None).update(reserved_until=clock.current_time() - timedelta(seconds=1))


def _standing(claim: Claim, user: User) -> tuple[str, bool]:
    found = reclaim.get_lost_item_status(claim_id=claim.id, user=user)
    return found.message, found.free


def _take(claim: Claim, user: User) -> Claim:
    return reclaim.reclaim_item(claim_id=claim.id, user=user, slug="intents")


def test_a_lost_item_can_be_reclaimed_with_its_draft(rob: User) -> None:
    lost = _lapsed(rob)
    queue_items.enqueue_items(0)  # which would come first
    assert _standing(lost, rob) == ("It is back in the queue, and you can reserve it again.", True)
    again = _take(lost, rob)
    assert again.item.id == 1
    assert again.id != lost.id
    kept = drafts.load_draft(again, user=rob)
    assert kept is not None
    assert kept.fields == {"note": ["half a thought"]}
    queue_items.decide_claim(again, rob)
    with pytest.raises(lease.ClaimLost):
        submit.submit_verdict(claim_id=lost.id, user=rob, kind="agree")


def test_reclaiming_is_idempotent(rob: User) -> None:
    lost = _lapsed(rob)
    assert _take(lost, rob).id == _take(lost, rob).id
    assert Slot.objects.get().claim == 2


def test_the_new_holder_is_named_and_keeps_the_item(rob: User, rita: User) -> None:
    lost = _lapsed(rob)
    theirs = queue_items.claim_next_item(rita)
    assert _standing(lost, rob) == ("rita has it now.", False)
    with pytest.raises(lease.ClaimLost, match="rita has it now"):
        _take(lost, rob)
    queue_items.decide_claim(theirs, rita)
    assert _standing(lost, rob) == ("Someone else has decided it.", False)
    with pytest.raises(lease.ClaimLost, match="Someone else has decided it"):
        _take(lost, rob)


def test_a_former_holder_who_saw_the_proposal_is_remembered(rob: User, rita: User) -> None:
    lost = _lapsed(rob)
    queue_items.claim_next_item(rita)
    _lapse()
    _take(lost, rob)
    assert Seen.objects.filter(user=rita).exists()


def test_the_holder_is_not_named_to_people_who_never_held_the_item(rob: User, rita: User, ann: User) -> None:
    lost = _lapsed(rob)
    queue_items.claim_next_item(rita)
    assert _standing(lost, ann) == ("Someone else has it now.", False)


def test_a_closed_item_cannot_be_reclaimed(rob: User) -> None:
    lost = _lapsed(rob)
    withdraw_items(item_ids=[1], actor="key:1")
    assert reclaim.get_lost_item_status(claim_id=lost.id, user=rob).closed
    with pytest.raises(lease.ClaimLost, match="closed"):
        _take(lost, rob)


def test_a_passed_item_cannot_be_reclaimed(rob: User) -> None:
    queue_items.enqueue_items(1)
    lost = queue_items.claim_next_item(rob)
    drafts.save_draft(claim_id=lost.id, user=rob, fields={"note": [""]})
    pass_item(claim_id=lost.id, user=rob)
    assert _standing(lost, rob) == ("It is back in the queue for other reviewers.", False)
    with pytest.raises(lease.ClaimLost):
        _take(lost, rob)


def test_a_repeated_pass_is_recorded_once(rob: User, rita: User) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    pass_item(claim_id=claim.id, user=rob)
    pass_item(claim_id=claim.id, user=rob)
    queue_items.claim_next_item(rita)
    pass_item(claim_id=claim.id, user=rob)
    assert Pass.objects.count() == 1
    assert Slot.objects.get().holder == rita


def test_an_item_judged_already_cannot_be_reclaimed(rob: User) -> None:
    lost = _lapsed(rob, reviews_wanted=2)
    slot = Slot.objects.get(pk=int(lost.id.split(".")[0]))
    slot.holder, slot.reserved_until, slot.reserved_at = None, None, None
    slot.save(update_fields=["holder", "reserved_until", "reserved_at"])
    other = Slot.objects.exclude(pk=slot.pk).get()
    other.holder, other.claim, other.state = rob, 1, Slot.State.OPEN
    other.reserved_at, other.reserved_until = clock.current_time(), clock.current_time() + timedelta(minutes=5)
    other.save(update_fields=["holder", "claim", "reserved_at", "reserved_until"])
    assert not reclaim.get_lost_item_status(claim_id=lost.id, user=rob).free
    with pytest.raises(lease.ClaimLost):
        _take(lost, rob)


def test_only_a_lead_can_reclaim_a_final_say(ann: User, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2, undo_seconds=0)
    queue_items.judge_next(rob, "correct", answer="billing")
    queue_items.judge_next(rita, "correct", answer="card_arrival")
    labels.settle_due_items(now=queue_items.time_when_final())
    lost = queue_items.claim_next_item(ann)
    _lapse()
    assert reclaim.get_lost_item_status(claim_id=lost.id, user=ann).free
    with pytest.raises(errors.NotFound):
        _take(lost, rob)
    User.objects.filter(pk=ann.pk).update(role="reviewer")
    with pytest.raises(lease.ClaimLost):
        _take(lost, User.objects.get(pk=ann.pk))
    User.objects.filter(pk=ann.pk).update(role="lead")
    assert _take(lost, ann).final_say


def test_reclaiming_cannot_exceed_ten_items(rob: User) -> None:
    lost = _lapsed(rob)
    queue_items.enqueue_items(*range(2, 12))
    Slot.objects.filter(item_id=1).update(rank=99)
    for _ in range(10):
        queue_items.claim_next_item(rob)
    with pytest.raises(TooManyClaims):
        _take(lost, rob)


def test_an_item_never_held_cannot_be_reclaimed(rob: User, rita: User, eve: User) -> None:
    lost = _lapsed(rob)
    for stranger in (rita, eve):
        assert not reclaim.get_lost_item_status(claim_id=lost.id, user=stranger).free
        with pytest.raises(errors.NotFound):
            _take(lost, stranger)
    rob.memberships.all().delete()
    with pytest.raises(roles.NotAMember):
        _take(lost, rob)
    for number in ("1", "999999.1", f"{lost.id}9"):
        with pytest.raises(errors.NotFound):
            reclaim.reclaim_item(claim_id=number, user=rob, slug="intents")


def test_the_first_answer_carries_over_to_a_reclaimed_item(rob: User) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    lost = queue_items.claim_next_item(rob)
    submit.submit_first_answer(claim_id=lost.id, user=rob, answer="billing")
    _lapse()
    again = _take(lost, rob)
    assert again.revealed
    assert again.first_answer == "billing"


class TestOnTheDesk:
    """The notice with its offer, and the form behind it."""

    @pytest.fixture
    def desk(self, rob: User, client: Client) -> Client:
        client.force_login(rob, backend="django.contrib.auth.backends.ModelBackend")
        return client

    def _post(self, desk: Client, step: str, claim: Claim, *, htmx: bool = True, **fields: str) -> tuple[int, str]:
        headers = {"HX-Request": "true"} if htmx else {}
        response = desk.post(reverse(step, args=["intents", claim.id]), fields, headers=headers)
        return response.status_code, response.content.decode()

    def test_a_late_submit_offers_to_reclaim_the_item_and_submit_again(self, desk: Client, rob: User) -> None:
        lost = _lapsed(rob)
        status, told = self._post(desk, "desk-verdict", lost, verdict="agree")
        assert status == 409
        assert "Your reservation ran out. It is back in the queue" in told
        assert "Reserve it again" in told
        assert "Next item" in told
        status, again = self._post(desk, "desk-retake", lost)
        assert status == 200
        assert "half a thought" in again
        (held,) = list_held_claims(rob)
        assert self._post(desk, "desk-verdict", held, verdict="agree")[0] == 200
        assert Verdict.objects.count() == 1

    def test_an_item_somebody_else_holds_is_not_offered(self, desk: Client, rob: User, rita: User) -> None:
        lost = _lapsed(rob)
        User.objects.filter(pk=rita.pk).update(first_name="Rita", last_name="<b>")
        queue_items.claim_next_item(rita)
        _, told = self._post(desk, "desk-verdict", lost, verdict="agree")
        assert "Rita &lt;b&gt; has it now." in told
        assert "Reserve it again" not in told
        status, told = self._post(desk, "desk-retake", lost)
        assert status == 409
        assert "has it now." in told
        assert "Next item" in told

    def test_without_javascript_the_offer_is_a_form(self, desk: Client, rob: User) -> None:
        lost = _lapsed(rob)
        status, told = self._post(desk, "desk-verdict", lost, htmx=False, verdict="agree", note="a thought")
        assert status == 409
        assert "Reserve it again" in told
        assert "a thought" in told
        assert self._post(desk, "desk-retake", lost, htmx=False)[0] == 302
        assert len(list_held_claims(rob)) == 1

    def test_active_people_stay_signed_in(self, desk: Client, rob: User) -> None:
        queue_items.enqueue_items(1)
        claim = queue_items.claim_next_item(rob)
        before = Session.objects.get()
        before.expire_date = clock.current_time() + timedelta(minutes=5)
        before.save()
        self._post(desk, "desk-renewal", claim)
        assert Session.objects.get().expire_date > clock.current_time() + timedelta(days=13)
        Session.objects.update(expire_date=before.expire_date)
        self._post(desk, "desk-renewal", claim)
        assert Session.objects.get().expire_date == before.expire_date, "once an hour is enough"
