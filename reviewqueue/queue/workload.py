"""What a person can take now: the counts beside their queues, and where to start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reviewqueue.kernel import clock, sql
from reviewqueue.models import User
from reviewqueue.models.items import Lane
from reviewqueue.queue import claim_queries

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
