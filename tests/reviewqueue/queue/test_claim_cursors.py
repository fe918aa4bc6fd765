"""Cursors keep claims from scanning everything a person has already judged in a queue with two reviews per item."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from reviewqueue.kernel import clock
from reviewqueue.models import ClaimCursor, Queue, Slot, User
from reviewqueue.models.items import Lane
from reviewqueue.queue import claim_queries
from reviewqueue.queue.claim import CURSOR_MIN_SLOTS, MAX_HELD_ITEMS, release_claim
from tests.helpers import queue_items

pytestmark = pytest.mark.usefixtures("balanced")


@pytest.fixture
def trapped(queue: Queue, rob: User) -> int:
    """Rob has judged the first thousand of the items, and each of them waits for somebody else."""
    judged = 1000
    queue_items.enqueue_items(*range(1, judged + 101), reviews_wanted=2)
    mine = Slot.objects.filter(kind="first", item_id__lte=judged)
    mine.update(state="closed")  # as good as judged, without the verdicts that the ledger would ask for
    Slot.objects.filter(kind="second", item_id__lte=judged).update(answer_first=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO reviewqueue_pass (item_id, round, user_id, reason, at) "
            "SELECT id, 1, %s, 'judged_original', now() FROM reviewqueue_item WHERE id <= %s",
            [rob.pk, judged],
        )
    return judged


def test_the_second_claim_does_not_scan_judged_slots_again(trapped: int, rob: User) -> None:
    assert queue_items.claim_next_item(rob).item.id == trapped + 1
    cursor = ClaimCursor.objects.get()
    assert (cursor.rank, cursor.lane) == (trapped + 1, Lane.ORDINARY)
    assert _slots_looked_at(rob) <= 70
    assert queue_items.claim_next_item(rob).item.id == trapped + 2


def test_a_cursor_moves_back_to_a_slot_that_becomes_free(trapped: int, rob: User, rita: User) -> None:
    claim = queue_items.claim_next_item(rob)
    queue_items.enqueue_items(5000, rank=0.5)
    assert queue_items.claim_next_item(rob).item.id == 5000
    assert queue_items.claim_next_item(rob).item.id == trapped + 2
    release_claim(claim_id=claim.id, user=rob)
    assert queue_items.claim_next_item(rob).item.id == trapped + 1


def test_a_cursor_expires_with_the_first_reservation_it_skipped(trapped: int, rob: User, rita: User) -> None:
    queue_items.enqueue_items(5000, rank=0.5)
    now = clock.current_time()
    held = queue_items.claim_next_item(rita, now=now - timedelta(minutes=13))
    assert held.item.id == 5000
    queue_items.claim_next_item(rob, now=now)
    assert ClaimCursor.objects.get().recheck_at == held.reserved_until
    assert queue_items.claim_next_item(rob, now=held.reserved_until).item.id == 5000


def test_a_cursor_lasts_at_most_five_minutes_and_is_not_extended(trapped: int, rob: User) -> None:
    now = clock.current_time()
    queue_items.claim_next_item(rob, now=now)
    until = now + timedelta(minutes=5)
    assert ClaimCursor.objects.get().recheck_at == until
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO reviewqueue_pass (item_id, round, user_id, reason, at) "
            "SELECT id, 1, %s, 'judged_original', now() FROM reviewqueue_item WHERE id BETWEEN %s AND %s",
            [rob.pk, trapped + 2, trapped + 90],
        )
    assert queue_items.claim_next_item(rob, now=now + timedelta(minutes=1)).item.id == trapped + 91
    cursor_row = ClaimCursor.objects.get()
    assert (cursor_row.rank, cursor_row.recheck_at) == (trapped + 91, until)


def test_when_nothing_follows_the_cursor_the_lane_is_searched_from_its_head(trapped: int, rob: User) -> None:
    queue_items.claim_next_item(rob)
    ClaimCursor.objects.update(rank=1e9)
    assert queue_items.claim_next_item(rob).item.id == trapped + 2


def test_only_the_held_slots_index_starts_with_the_holder(queue: Queue) -> None:
    """In long tables the planner would prefer any other index on the holder, and read everything they ever judged."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%.reviewqueue_slot USING btree (holder_id%'"
        )
        assert cursor.fetchall() == [("slot_held",)]


def _slots_looked_at(user: User) -> int:
    """How many entries of the index the next claim reads, as PostgreSQL counts them; takes nothing."""
    look: dict[str, Any] = {
        "user": user.pk,
        "queue": Queue.objects.get().pk,
        "lane": Lane.ORDINARY,
        "now": clock.current_time(),
        "from_head": False,
        "most": MAX_HELD_ITEMS,
        "minutes": 15,
        "passed_by": CURSOR_MIN_SLOTS + 1,
        "key": None,
    }
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT look")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {claim_queries.CLAIM_SLOT}", look)
        plan = cursor.fetchall()[0][0]
        cursor.execute("ROLLBACK TO SAVEPOINT look")
    scan = next(node for node in _nodes(plan[0]["Plan"]) if node.get("Alias") == "s")
    assert scan["Index Name"] == "slot_to_claim"
    return int(scan["Actual Rows"]) + int(scan["Rows Removed by Filter"])


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in _nodes(child))]
