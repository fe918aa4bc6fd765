"""The activity log: who did what to which object, written in the same transaction as the change it records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.db.models import QuerySet

from reviewqueue.activity import queries
from reviewqueue.kernel import sql
from reviewqueue.models import Event


class HasUsername(Protocol):
    """A person, as far as an event names them."""

    def get_username(self) -> str: ...


def record_event(
    *,
    actor: str,
    verb: str,
    object_type: str,
    object_id: str | int = "",
    object_ids: Sequence[int] | None = None,
    queue: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> None:
    """Append one event; `at` defaults to the database clock (tests and the demo pass a time).

    `before` and `after` hold only the fields that changed, never a payload, a password or a key.
    """
    parameters = {
        "at": at,
        "actor": actor,
        "verb": verb,
        "queue": queue,
        "object_type": object_type,
        "object_id": str(object_id),
        "object_ids": None if object_ids is None else list(object_ids),
        "before": None if before is None else json.dumps(before),
        "after": None if after is None else json.dumps(after),
    }
    sql.run_statement(queries.INSERT_EVENT, parameters, prepared=True)


def build_event_insert(*, verb: str, object_type: str, ids: str) -> str:
    """`record_event` as part of a larger statement, where there is time for only one round trip.

    Inserts one event about all the ids that the query `ids` returns, or none if it returns none. `actor`, `queue` and
    `now` (or NULL) are parameters of the statement; `verb` and `object_type` must be constants of the code.
    """
    return queries.INSERT_EVENT_ABOUT.format(verb=verb, object_type=object_type, ids=ids)


def record_events(
    *, actor: str, verb: str, object_type: str, object_ids: Sequence[int], queue: str, at: datetime | None = None
) -> None:
    """Append one event per object, in one statement, so that `events_about` finds it in each object's history."""
    moment = {} if at is None else {"at": at}
    Event.objects.bulk_create(
        [
            Event(actor=actor, verb=verb, object_type=object_type, object_id=str(one), queue=queue, **moment)
            for one in object_ids
        ]
    )


def user_actor(user: HasUsername) -> str:
    return f"user:{user.get_username()}"


def key_actor(key_id: int) -> str:
    return f"key:{key_id}"


def system_actor(name: str) -> str:
    return f"system:{name}"


def events_about(object_type: str, object_id: str | int) -> QuerySet[Event]:
    """The history of one object, oldest event first."""
    return Event.objects.filter(object_type=object_type, object_id=str(object_id)).order_by("id")


def recent_events(queue: str) -> QuerySet[Event]:
    """The events of a queue, newest first; the caller slices them."""
    return Event.objects.filter(queue=queue).order_by("-id")
