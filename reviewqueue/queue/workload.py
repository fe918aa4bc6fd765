"""What a person can take now: the counts beside their queues, and where to start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reviewqueue.kernel import clock, sql
from reviewqueue.models import User
from reviewqueue.models.items import Lane
from reviewqueue.queue import claim_queries, lease, queries

MAX_REVIEWS = 9  # that an item can take
MAX_COUNTED_SLOTS = 2_000  # of a queue with more, nearly everything can be taken by nearly everybody


@dataclass(frozen=True, slots=True)
class PersonalLoad:
    """What a person can take in a queue, or holds: items, the creation time of the oldest, and items that wait for
    their final say. `rank` is that of the next one, lower is more pressing. `counted` is False when there are more than
    MAX_COUNTED_SLOTS: then `waiting` is a lower bound."""

    waiting: int
    oldest_at: datetime | None
    for_lead: int
    rank: float | None
    counted: bool


@dataclass(frozen=True, slots=True)
class UnreviewableItems:
    """Items whose next review no reviewer of the queue can give: all have judged or passed them.

    `items` counts up to MAX_COUNTED_SLOTS; `reviewers`: how many reviewers and leads the queue has.
    """

    items: int
    reviewers: int


def measure_personal_loads(
    user: User, queue_ids: Sequence[int], *, leads: bool, now: datetime | None = None
) -> dict[int, PersonalLoad]:
    """The person's load in each of these queues, by queue id. Pages may call it, the hot path may not."""
    parameters = {
        "user": user.pk,
        "queues": list(queue_ids),
        "leads": leads,
        "lead_lane": Lane.LEAD,
        "most": MAX_COUNTED_SLOTS,
        "now": clock.current_time(now),
    }
    rows = sql.fetch_rows(claim_queries.SELECT_PERSONAL_LOADS, parameters)
    return {row.pop("queue"): PersonalLoad(counted=row.pop("slots") < MAX_COUNTED_SLOTS, **row) for row in rows}


def count_unreviewable(
    reviews_by_queue: Mapping[str, int], *, now: datetime | None = None
) -> dict[str, UnreviewableItems]:
    """By queue slug, the items that wait for a review nobody can give; without the queues that have none.

    reviews_by_queue: how many reviews an item of the queue takes. Only queues with fewer reviewers are looked at, so
    this costs next to nothing where there are enough.
    """
    parameters = {
        "slugs": list(reviews_by_queue),
        "needed": list(reviews_by_queue.values()),
        "takers": lease.taker_roles(),
        "lead": Lane.LEAD,
        "now": now,
        "most": MAX_COUNTED_SLOTS,
    }
    rows = sql.fetch_rows(queries.COUNT_UNREVIEWABLE, parameters)
    return {row["slug"]: UnreviewableItems(items=row["items"], reviewers=row["reviewers"]) for row in rows}
