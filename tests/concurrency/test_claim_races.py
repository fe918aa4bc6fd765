"""Concurrent claims: everybody gets one item, nobody gets two, and no slot is given out twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

import pytest
from django.db import connection, transaction

from reviewqueue.models import Queue, Slot, User
from reviewqueue.queue.claim import TooManyClaims, claim_next
from reviewqueue.queue.claim_view import Claim
from reviewqueue.queue.items import expire_items, withdraw_items
from reviewqueue.reports import invariants
from tests.helpers import queue_items
from tests.helpers.races import filter_results, race

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("balanced")]


@pytest.fixture
def balanced(transactional_db: None) -> Iterator[None]:
    yield
    for check in invariants.list_checks():
        with connection.cursor() as cursor:
            cursor.execute(check.sql)
            assert cursor.fetchall() == [], check.sentence


@pytest.fixture
def crowd(queue: Queue) -> list[User]:
    return [User.objects.create(username=f"person-{n}", role="reviewer", all_queues=True) for n in range(50)]


def test_fifty_people_at_once_get_fifty_items(crowd: list[User]) -> None:
    queue_items.enqueue_items(*range(1, 51))
    results = race(*(partial(claim_next, user=person, slug="intents") for person in crowd))
    taken = filter_results(Claim, results)
    assert len(taken) == 50, results
    assert {claim.item.id for claim in taken} == set(range(1, 51))


def test_fifty_people_at_once_share_ten_items(crowd: list[User]) -> None:
    queue_items.enqueue_items(*range(1, 11))
    results = race(*(partial(claim_next, user=person, slug="intents") for person in crowd))
    assert len(filter_results(Claim, results)) == 10
    assert results.count(None) == 40


def test_two_tabs_of_one_person_cannot_take_both_slots_of_an_item(queue: Queue, rob: User) -> None:
    for number in range(1, 11):
        queue_items.enqueue_items(number, reviews_wanted=2)
        results = race(*[partial(claim_next, user=rob, slug="intents", resume=False)] * 2)
        assert len(filter_results(Claim, results)) == 1, results
        assert results.count(None) == 1
        withdraw_items(item_ids=[number], actor="key:1")


def test_the_constraint_stops_a_second_slot_gained_during_the_claim(queue: Queue, rob: User) -> None:
    """Two tabs again, with the claim's own queueing of one person's claims out of the way."""
    queue_items.enqueue_items(1, reviews_wanted=2)
    first, second = Slot.objects.order_by("id").values_list("pk", flat=True)

    def take(slot: int) -> int:
        with transaction.atomic():
            return Slot.objects.filter(pk=slot, holder=None).update(holder=rob, claim=1)

    results = race(partial(take, first), partial(take, second))
    assert results.count(1) == 1
    assert "one_slot_per_person" in str(next(error for error in results if error != 1))


def test_concurrent_claims_cannot_exceed_ten_items(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(*range(1, 31))
    results = race(*[partial(claim_next, user=rob, slug="intents", resume=False)] * 16)
    assert len(filter_results(Claim, results)) == 10
    assert len(filter_results(TooManyClaims, results)) == 6


def test_a_double_click_on_the_desk_opens_one_item(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, 2, 3)
    results = race(*[partial(claim_next, user=rob, slug="intents")] * 3)
    assert len({claim.id for claim in filter_results(Claim, results)}) == 1, results


def test_claims_do_not_wait_for_a_batch_being_enqueued(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    with transaction.atomic():
        queue_items.enqueue_items(2)
        (taken,) = race(partial(claim_next, user=rob, slug="intents"))
    assert taken.item.id == 1


def test_concurrent_overlapping_batches_enqueue_each_item_once(queue: Queue) -> None:
    forwards = [list(range(1, 301)), list(range(300, 0, -1)), random.Random(1).sample(range(1, 301), 300)]
    results = race(*(partial(queue_items.enqueue_items, *numbers) for numbers in forwards))
    assert sum(results) == 300
    assert Slot.objects.count() == 300


def test_an_item_is_either_claimed_or_expired_never_both(crowd: list[User]) -> None:
    for number in range(1, 16):
        queue_items.enqueue_items(number)
        claim, expired = race(
            partial(claim_next, user=crowd[number], slug="intents"), partial(expire_items, item_ids=[number])
        )
        assert (claim is None) == (expired == [number]), (claim, expired)
