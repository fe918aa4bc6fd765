"""Final says: what waits for one lead."""

from __future__ import annotations

from datetime import datetime

from reviewqueue.accounts import roles
from reviewqueue.kernel import clock, sql
from reviewqueue.models.items import Lane
from reviewqueue.queue import claim_queries


def count_final_says(person: roles.Person, *, now: datetime | None = None) -> dict[str, int]:
    """How many items the person can give the final say on now, by queue slug; empty unless they are a lead."""
    if not roles.may_lead(person):
        return {}
    rows = sql.fetch_tuples(
        claim_queries.COUNT_FINAL_SAYS,
        {
            "queues": list(roles.queues_for(person).values_list("pk", flat=True)),
            "lane": Lane.LEAD,
            "user": person.pk,
            "now": clock.current_time(now),
        },
    )
    return dict(rows)
