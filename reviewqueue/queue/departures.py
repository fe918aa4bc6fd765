"""Change what a person may review, and free at once what they had reserved and may no longer decide."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from reviewqueue.accounts import people
from reviewqueue.kernel import sql
from reviewqueue.models import User
from reviewqueue.queue import claim_queries, slots
from reviewqueue.queue.lease import lead_roles, reviewer_roles


def change_person(*, user_id: int, role: str, queues: Iterable[str], all_queues: bool, by: User) -> User:
    """As `people.change_person`; items reserved in streams that the person leaves go back to their queues."""
    with transaction.atomic():
        user = people.change_person(user_id=user_id, role=role, queues=queues, all_queues=all_queues, by=by)
        _release_lost_slots(user_id)
    return user


def deactivate_person(*, user_id: int, by: User) -> None:
    """As `people.deactivate_person`; all items reserved for the person go back to their queues."""
    with transaction.atomic():
        people.deactivate_person(user_id=user_id, by=by)
        _release_lost_slots(user_id)


def _release_lost_slots(user_id: int) -> None:
    parameters = {"user": user_id, "roles": reviewer_roles(), "leads": lead_roles()}
    freed = sql.fetch_rows(claim_queries.RELEASE_LOST_SLOTS, parameters)
    slots.rewind_cursors([(row["queue_id"], row["lane"], row["rank"]) for row in freed])
