"""Create and close slots: one per review an item needs, one more for a lead, none once the item is closed.

Lock order: code that changes an item locks the item first and then its slots. A claim locks only a slot, and never
waits for a lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reviewqueue.kernel import sql
from reviewqueue.models.items import Lane

type SlotPosition = tuple[int, int, float]  # queue id, lane, rank

_INSERT_REVIEW_SLOTS = """
INSERT INTO reviewqueue_slot (item_id, queue_id, round, kind, lane, rank, answer_first, state, claim)
SELECT i.id, i.queue_id, i.round, CASE n WHEN 1 THEN 'first' ELSE 'second' END, i.lane, i.rank,
       i.answer_first OR n > 1, 'open', 0
FROM reviewqueue_item i CROSS JOIN LATERAL generate_series(1, i.reviews_wanted) n
WHERE i.id = ANY(%(items)s) ORDER BY i.id, n
RETURNING queue_id, lane, rank
"""
_INSERT_FINAL_SLOTS = """
INSERT INTO reviewqueue_slot (item_id, queue_id, round, kind, lane, rank, answer_first, state, claim)
SELECT i.id, i.queue_id, i.round, 'final', %(lane)s, i.rank, false, 'open', 0
FROM reviewqueue_item i WHERE i.id = ANY(%(items)s) ORDER BY i.id
RETURNING queue_id, lane, rank
"""
_CLOSE_SLOTS = "UPDATE reviewqueue_slot SET state = 'closed' WHERE item_id = ANY(%(items)s) AND state = 'open'"
# Whoever is saving a cursor at this moment is not waited for, nor do they wait for a batch that is being enqueued:
# a cursor that stays where it is for that reason is looked at again at its `recheck_at`, minutes later.
_REWIND_CURSORS = """
UPDATE reviewqueue_claimcursor SET rank = %(rank)s, slot_id = 0 WHERE id IN (
    SELECT id FROM reviewqueue_claimcursor
    WHERE queue_id = %(queue)s AND lane = %(lane)s AND rank >= %(rank)s FOR UPDATE SKIP LOCKED)
"""


def add_review_slots(items: Sequence[int]) -> None:
    """Create the slots of the items' current round.

    Every slot after the first is answer-first even if the item is not: a second opinion must be independent of the
    proposal.
    """
    rewind_cursors(_slot_positions(sql.fetch_rows(_INSERT_REVIEW_SLOTS, {"items": list(items)})))


def add_final_slots(items: Sequence[int]) -> None:
    """Add a slot to each item for a lead's final say."""
    rewind_cursors(_slot_positions(sql.fetch_rows(_INSERT_FINAL_SLOTS, {"items": list(items), "lane": Lane.LEAD})))


def close_slots(items: Sequence[int]) -> None:
    """Close the open slots of these items; a person who holds one finds out when they act on it."""
    sql.run_statement(_CLOSE_SLOTS, {"items": list(items)})


def rewind_cursors(positions: Iterable[SlotPosition]) -> None:
    """Move every cursor back that is past a slot which became free at one of these positions."""
    lowest: dict[tuple[int, int], float] = {}
    for queue, lane, rank in positions:
        lowest[queue, lane] = min(rank, lowest.get((queue, lane), rank))
    for (queue, lane), rank in sorted(lowest.items()):
        sql.run_statement(_REWIND_CURSORS, {"queue": queue, "lane": lane, "rank": rank})


def _slot_positions(rows: Iterable[sql.SqlRow]) -> list[SlotPosition]:
    return [(row["queue_id"], row["lane"], row["rank"]) for row in rows]
