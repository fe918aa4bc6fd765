"""Create and close slots: one per review an item needs, one more for a lead, none once the item is closed.

Lock order: code that changes an item locks the item first and then its slots. A claim locks a slot without an item,
and skips slots that somebody else has locked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reviewqueue.kernel import sql
from reviewqueue.models.items import Lane
from reviewqueue.queue import queries

type SlotPosition = tuple[int, int, float]  # queue id, lane, rank


def add_review_slots(items: Sequence[int]) -> None:
    """Create the slots of the items' current round.

    Every slot after the first is answer-first even if the item is not: a second opinion must be independent of the
    proposal.
    """
    rewind_cursors(_slot_positions(sql.fetch_rows(queries.INSERT_REVIEW_SLOTS, {"items": list(items)})))


def add_final_slots(items: Sequence[int]) -> None:
    """Add a slot to each item for a lead's final say."""
    rewind_cursors(
        _slot_positions(sql.fetch_rows(queries.INSERT_FINAL_SLOTS, {"items": list(items), "lane": Lane.LEAD}))
    )


def close_slots(items: Sequence[int]) -> None:
    """Close the open slots of these items; a person who holds one finds out when they act on it."""
    sql.run_statement(queries.CLOSE_SLOTS, {"items": list(items)})


def rewind_cursors(positions: Iterable[SlotPosition]) -> None:
    """Move every cursor back that is past a slot which became free at one of these positions."""
    lowest: dict[tuple[int, int], float] = {}
    for queue, lane, rank in positions:
        lowest[queue, lane] = min(rank, lowest.get((queue, lane), rank))
    for (queue, lane), rank in sorted(lowest.items()):
        sql.run_statement(queries.REWIND_CURSORS, {"queue": queue, "lane": lane, "rank": rank})


def _slot_positions(rows: Iterable[sql.SqlRow]) -> list[SlotPosition]:
    return [(row["queue_id"], row["lane"], row["rank"]) for row in rows]
