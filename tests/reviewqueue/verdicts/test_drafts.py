"""Drafts: kept for their author, deleted with the verdict, and never a way to see the proposal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from reviewqueue import tasks
from reviewqueue.accounts import roles
from reviewqueue.kernel import clock, errors
from reviewqueue.models import Draft, Slot, User, Verdict
from reviewqueue.queue import lease
from reviewqueue.queue.claim import release_claim
from reviewqueue.queue.claim_view import Claim
from reviewqueue.queue.items import reopen_item, withdraw_items
from reviewqueue.verdicts import drafts, labels, submit
from tests.helpers import queue_items

pytestmark = pytest.mark.django_db
NOTE = {"note": ["half a thought"], "answers": ["refund"]}


def _save(claim: Claim, user: User, **options: Any) -> None:
    drafts.save_draft(claim_id=claim.id, user=user, **{"fields": NOTE} | options)


def _fields(claim: Claim, user: User) -> drafts.DraftFields | None:
    kept = drafts.load_draft(claim, user=user)
    return None if kept is None else kept.fields


def _lapse(claim: Claim) -> None:
    Slot.objects.filter(pk=claim.id.split(".")[0]).update(reserved_until=clock.current_time() - timedelta(seconds=1))


def test_a_draft_is_shown_only_to_its_author(rob: User, rita: User) -> None:
    queue_items.enqueue_items(1)
    first = queue_items.claim_next_item(rob)
    _save(first, rob)
    _lapse(first)
    theirs = queue_items.claim_next_item(rita)
    assert _fields(theirs, rita) is None
    _save(theirs, rita, fields={"note": ["hers"]})
    release_claim(claim_id=theirs.id, user=rita)
    assert _fields(queue_items.claim_next_item(rob), rob) == NOTE


def test_a_draft_is_saved_after_somebody_else_claimed_the_item(rob: User, rita: User) -> None:
    queue_items.enqueue_items(1)
    mine = queue_items.claim_next_item(rob)
    _save(mine, rob, fields={"note": ["before"]})
    _lapse(mine)
    queue_items.claim_next_item(rita)
    _save(mine, rob, fields={"note": ["after"]})
    assert Draft.objects.get().fields["fields"] == {"note": ["after"]}


def test_a_draft_for_an_item_never_held_is_refused(rob: User, rita: User, eve: User) -> None:
    queue_items.enqueue_items(1)
    mine = queue_items.claim_next_item(rob)
    for stranger in (rita, eve):
        with pytest.raises(errors.NotFound):
            _save(mine, stranger)
    for number in ("1", "x", "999999.1", f"{mine.id}9"):
        with pytest.raises(errors.NotFound):
            drafts.save_draft(claim_id=number, user=rob, fields=NOTE)
    assert not Draft.objects.exists()


def test_a_person_who_left_the_stream_cannot_save_a_draft(rob: User) -> None:
    queue_items.enqueue_items(1)
    mine = queue_items.claim_next_item(rob)
    rob.memberships.all().delete()
    with pytest.raises(roles.NotAMember):
        _save(mine, rob)


def test_a_verdict_deletes_only_its_authors_draft(rob: User, rita: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    first, second = queue_items.claim_next_item(rob), queue_items.claim_next_item(rita)
    _save(first, rob)
    _save(second, rita)
    queue_items.decide_claim(first, rob)
    assert Draft.objects.get().user == rita


def test_a_draft_that_arrives_after_its_verdict_is_refused(rob: User) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    queue_items.decide_claim(claim, rob)
    with pytest.raises(lease.ClaimLost):
        _save(claim, rob)
    assert not Draft.objects.exists()


def test_a_draft_under_an_earlier_claim_is_refused_after_the_verdict(rob: User) -> None:
    queue_items.enqueue_items(1)
    old = queue_items.claim_next_item(rob)
    _lapse(old)
    queue_items.judge_next(rob)
    with pytest.raises(lease.ClaimLost):
        _save(old, rob)
    assert not Draft.objects.exists()


def test_withdrawing_deletes_drafts_and_refuses_new_ones(rob: User, rita: User) -> None:
    queue_items.enqueue_items(1, 2, reviews_wanted=2)
    mine, hers, other = (
        queue_items.claim_next_item(rob),
        queue_items.claim_next_item(rita),
        queue_items.claim_next_item(rob),
    )
    _save(mine, rob)
    _save(hers, rita)
    _save(other, rob)
    withdraw_items(item_ids=[1], actor="system:stream")
    assert [draft.item_id for draft in Draft.objects.all()] == [2]
    with pytest.raises(lease.ItemWithdrawn):
        _save(mine, rob)


def test_a_refused_verdict_keeps_the_draft(rob: User) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    _save(claim, rob)
    with pytest.raises(errors.Invalid):
        submit.submit_verdict(claim_id=claim.id, user=rob, kind="correct", answer="nonsense")
    assert _fields(claim, rob) == NOTE


def test_only_remarks_of_a_draft_carry_over_after_the_reveal(rob: User) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    claim = queue_items.claim_next_item(rob)
    _save(claim, rob)
    assert _fields(claim, rob) == NOTE
    revealed = submit.submit_first_answer(claim_id=claim.id, user=rob, kind="none")
    assert _fields(revealed, rob) == {"note": ["half a thought"]}


def test_a_repeated_first_answer_keeps_a_newer_draft(rob: User) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    claim = queue_items.claim_next_item(rob)
    for expected in ({"note": ["before"]}, NOTE):
        revealed = submit.submit_first_answer(claim_id=claim.id, user=rob, kind="none", remarks={"note": "before"})
        assert _fields(revealed, rob) == expected
        _save(revealed, rob)


def test_a_draft_written_after_the_reveal_is_restored_completely(rob: User) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    claim = queue_items.claim_next_item(rob)
    submit.submit_first_answer(claim_id=claim.id, user=rob, kind="none")
    _save(claim, rob)
    _lapse(claim)
    again = queue_items.claim_next_item(rob)
    assert again.revealed
    assert _fields(again, rob) == NOTE


def test_a_draft_with_the_proposal_never_enters_a_form_that_hides_it(rob: User, ann: User) -> None:
    queue_items.enqueue_items(1, undo_seconds=0)
    mine = queue_items.claim_next_item(rob)
    _save(mine, rob)
    _lapse(mine)
    queue_items.judge_next(ann)
    labels.settle_due_items(now=queue_items.time_when_final())
    reopen_item(item_id=1, by=ann)
    Slot.objects.open().update(answer_first=True)
    asked = queue_items.claim_next_item(rob)
    assert not asked.revealed
    assert _fields(asked, rob) is None
    revealed = submit.submit_first_answer(claim_id=asked.id, user=rob, kind="none")
    assert _fields(revealed, rob) == {"note": ["half a thought"]}


def test_the_newer_draft_wins_whichever_arrives_last(rob: User) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    now = clock.current_time()
    _save(claim, rob, fields={"note": ["typed a minute ago"]}, at=now - timedelta(minutes=1))
    _save(claim, rob, fields={"note": ["typed now"]}, at=now)
    _save(claim, rob, fields={"note": ["typed an hour ago, sent late"]}, at=now - timedelta(hours=1))
    assert _fields(claim, rob) == {"note": ["typed now"]}


def test_draft_times_are_limited_to_the_past_twenty_hours(rob: User) -> None:
    queue_items.enqueue_items(1)
    claim, now = queue_items.claim_next_item(rob), clock.current_time()
    for said, kept in (
        (now - timedelta(days=3), now - drafts.DRAFT_LIFETIME),
        (now - timedelta(hours=1), now - timedelta(hours=1)),
        (now + timedelta(days=1), now),
    ):
        _save(claim, rob, at=said, now=now)
        assert Draft.objects.get().saved_at == kept


def test_a_draft_is_kept_for_twenty_hours(rob: User) -> None:
    queue_items.enqueue_items(1, 2)
    old, young = queue_items.claim_next_item(rob), queue_items.claim_next_item(rob)
    _save(old, rob)
    _save(young, rob)
    Draft.objects.filter(item_id=1).update(saved_at=clock.current_time() - timedelta(hours=20, seconds=1))
    Draft.objects.filter(item_id=2).update(saved_at=clock.current_time() - timedelta(hours=19, minutes=59))
    assert _fields(old, rob) is None
    assert _fields(young, rob) == NOTE
    tasks.drop_old_drafts()
    assert [draft.item_id for draft in Draft.objects.all()] == [2]


@pytest.mark.parametrize("fields", [{"note": ["x" * 200_001]}, {"x" * 200_001: [""]}, {"note": ["\0"]}])
def test_an_invalid_draft_is_refused_and_the_earlier_one_stays(rob: User, fields: drafts.DraftFields) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    _save(claim, rob)
    with pytest.raises(errors.Invalid):
        _save(claim, rob, fields=fields)
    assert _fields(claim, rob) == NOTE


class TestOverHttp:
    """The route, and what the page carries for its script."""

    @pytest.fixture
    def asked(self, rob: User, client: Client) -> Claim:
        client.force_login(rob, backend="django.contrib.auth.backends.ModelBackend")
        queue_items.enqueue_items(1)
        return queue_items.claim_next_item(rob)

    def _post(self, client: Client, claim: Claim, **fields: Any) -> int:
        url = reverse("desk-draft", args=["intents", claim.id])
        return client.post(url, fields, headers={"HX-Request": "true"}).status_code

    def test_the_desk_saves_a_draft_and_shows_it_again(self, asked: Claim, client: Client, rob: User) -> None:
        assert self._post(client, asked, note='"><b>', answers=["a", "b"], draft_at="") == 204
        assert _fields(asked, rob) == {"note": ['"><b>'], "answers": ["a", "b"]}
        html = client.get(reverse("desk", args=["intents"])).content.decode()
        assert "&quot;note&quot;: [&quot;\\&quot;&gt;&lt;b&gt;&quot;]" in html

    def test_an_empty_selection_is_saved_as_such(self, asked: Claim, client: Client, rob: User) -> None:
        assert self._post(client, asked, note="x", draft_none=["answers", "note"]) == 204
        assert _fields(asked, rob) == {"note": ["x"], "answers": []}

    def test_a_draft_keeps_the_time_the_page_gave_it(self, asked: Claim, client: Client) -> None:
        written = clock.to_milliseconds(clock.current_time()) - 1234
        assert self._post(client, asked, note="x", draft_at=str(written)) == 204
        assert Draft.objects.get().saved_at == clock.from_milliseconds(written)
        assert f'data-at="{written}"' in client.get(reverse("desk", args=["intents"])).content.decode()

    @pytest.mark.parametrize("at", ["", "-1", "nan", "1e9", "9" * 30, "٣"])
    def test_an_invalid_draft_time_becomes_now(self, asked: Claim, client: Client, at: str) -> None:
        assert self._post(client, asked, note="x", draft_at=at) == 204
        assert clock.current_time() - Draft.objects.get().saved_at < timedelta(seconds=60)

    def test_the_desk_explains_refused_drafts(self, asked: Claim, client: Client, rita: User) -> None:
        assert self._post(client, asked, note="x" * 200_001) == 400
        client.force_login(rita, backend="django.contrib.auth.backends.ModelBackend")
        assert self._post(client, asked, note="x") == 404
        client.logout()
        assert self._post(client, asked, note="x") == 401

    def test_submitting_a_verdict_deletes_the_draft(self, asked: Claim, client: Client) -> None:
        self._post(client, asked, note="x")
        client.post(reverse("desk-verdict", args=["intents", asked.id]), {"verdict": "agree"})
        assert not Draft.objects.exists()
        assert Verdict.objects.exists()
