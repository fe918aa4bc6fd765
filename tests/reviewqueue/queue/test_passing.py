"""An item that everybody passed is never left waiting for nobody, and nobody is offered what they cannot take."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from reviewqueue.accounts import people
from reviewqueue.models import Event, Item, Membership, Queue, Slot, User, Verdict
from reviewqueue.queue import departures
from reviewqueue.queue.claim import claim_next
from reviewqueue.queue.items import withdraw_items
from reviewqueue.queue.passing import NobodyLeft, pass_item
from reviewqueue.queue.workload import measure_personal_loads
from tests.helpers import queue_items
from tests.helpers.desk_client import DeskClient

pytestmark = pytest.mark.usefixtures("balanced")


def _pass_next(user: User) -> None:
    claim = queue_items.claim_next_item(user)
    pass_item(claim_id=claim.id, user=user, reason="not_my_field")


def _inbox(user: User) -> str:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client.get(reverse("inbox")).content.decode()


def _take(user: User) -> Any:
    return claim_next(user=user, slug="intents")


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create(username="root", role="admin", password="!")


def test_the_last_pass_asks_a_lead_even_one_who_passed_before(rob: User, rita: User, ann: User, root: User) -> None:
    queue_items.enqueue_items(1)
    for person in (ann, rob):
        _pass_next(person)
        assert not Slot.objects.filter(kind="final").exists()
        assert "All done" in _inbox(person)
    assert "1 item is waiting for review." in _inbox(rita)
    _pass_next(rita)
    assert Event.objects.get(verb="asked_lead").after == {"reason": "passed_by_all"}
    assert "All done" in _inbox(rob)
    assert "1 for the lead" in _inbox(ann)
    held = queue_items.claim_next_item(ann)
    assert held.final_say
    pass_item(claim_id=held.id, user=ann)
    assert "All done" in _inbox(ann)
    last = queue_items.claim_next_item(root)
    with pytest.raises(NobodyLeft):
        pass_item(claim_id=last.id, user=root)
    queue_items.decide_claim(last, root, "agree")
    queue_items.settle_verdicts()
    assert Item.objects.get().state == "settled"


def test_the_second_review_that_nobody_is_left_for_asks_a_lead(rob: User, rita: User, ann: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    queue_items.judge_next(rob)
    assert "All done" in _inbox(rob)
    _pass_next(ann)
    _pass_next(rita)
    assert queue_items.claim_next_item(ann).final_say


def test_a_pass_while_others_are_left_asks_nobody(rob: User, rita: User) -> None:
    queue_items.enqueue_items(1)
    _pass_next(rob)
    assert not Event.objects.filter(verb="asked_lead").exists()
    assert queue_items.claim_next_item(rita).item.id == 1


def test_the_counts_are_what_a_person_can_take_or_holds(queue: Queue, rob: User, rita: User, ann: User) -> None:
    queue_items.enqueue_items(1, 2, 3, reviews_wanted=2)

    def count(user: User, *, leads: bool = False) -> int:
        return measure_personal_loads(user, [queue.pk], leads=leads)[queue.pk].waiting

    assert (count(rob), count(rita)) == (3, 3)
    claim = queue_items.claim_next_item(rob)
    assert (count(rob), count(rita)) == (3, 3)  # the second review of the item is still free
    queue_items.decide_claim(claim, rob, "agree")
    assert (count(rob), count(rita), count(ann, leads=True)) == (2, 3, 3)
    html = DeskClient(rob).open_page()
    assert '<span class="number">2</span>' in html


def test_the_inbox_begins_with_what_is_most_pressing(queue: Queue, rob: User) -> None:
    other = Queue.objects.create(slug="alarms", title="Alarms")
    Membership.objects.create(user=rob, queue=other)
    queue_items.enqueue_items(1, rank=5.0)
    item = Item.objects.get(pk=1)
    for number, rank in ((2, 9.0), (3, 1.0)):
        Item.objects.create(
            id=number, queue=other, reference="x", schema=item.schema, lane=0, rank=rank, created_at=item.created_at
        )
        Slot.objects.create(item_id=number, queue=other, lane=0, rank=rank)
    assert "Start with Alarms" in _inbox(rob)
    withdraw_items(item_ids=[3], actor="key:1")
    assert "Start with Support intents" in _inbox(rob)


def test_a_person_who_leaves_frees_what_they_had_reserved(queue: Queue, rob: User, rita: User, root: User) -> None:
    queue_items.enqueue_items(1)
    for leave in (
        lambda: departures.change_person(user_id=rob.pk, role="reviewer", queues=[], all_queues=False, by=root),
        lambda: departures.deactivate_person(user_id=rob.pk, by=root),
    ):
        Membership.objects.get_or_create(user=rob, queue=queue)
        assert queue_items.claim_next_item(rob).item.id == 1
        assert _take(rita) is None
        leave()
        claim = queue_items.claim_next_item(rita)
        assert claim.item.id == 1
        Slot.objects.update(holder=None, reserved_at=None, reserved_until=None)
    people.reactivate_person(user_id=rob.pk, by=root)


def test_a_reload_after_an_undo_shows_the_same_item(rob: User) -> None:
    queue_items.enqueue_items(1, 2, undo_seconds=30)
    desk = DeskClient(rob)
    desk.open_page()
    first = desk.claim()
    desk.post("desk-verdict", first.id, verdict="agree")
    desk.post("desk-undo", Verdict.objects.get().pk)
    assert f'data-item="{first.item.id}"' in desk.open_page()


def test_the_page_learns_that_its_item_was_withdrawn(rob: User) -> None:
    queue_items.enqueue_items(1)
    desk = DeskClient(rob)
    desk.open_page()
    url = reverse("desk-watch", args=["intents", desk.claim().id])
    assert desk.client.get(url, headers={"HX-Request": "true"}).status_code == 204
    withdraw_items(item_ids=[1], actor="key:1")
    told = desk.client.get(url, headers={"HX-Request": "true"})
    assert told.status_code == 409
    assert "withdrawn by its sender" in told.content.decode()
