"""The activity log: who did what to which object, written in the transaction of what it tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from .models import Event, User


def record(
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
    """Append one event; `at` is the database's clock unless tests or the demo pass a moment.

    `before` and `after` hold the few fields that changed, never a payload, a password or a key.
    """
    moment = {} if at is None else {"at": at}
    Event.objects.create(
        actor=actor,
        verb=verb,
        object_type=object_type,
        object_id=str(object_id),
        object_ids=None if object_ids is None else list(object_ids),
        queue=queue,
        before=None if before is None else dict(before),
        after=None if after is None else dict(after),
        **moment,
    )


def record_each(
    *, actor: str, verb: str, object_type: str, object_ids: Sequence[int], queue: str, at: datetime | None = None
) -> None:
    """Append one event about each object, in one statement: each has a story of its own to be found by `about`."""
    moment = {} if at is None else {"at": at}
    Event.objects.bulk_create(
        [
            Event(actor=actor, verb=verb, object_type=object_type, object_id=str(one), queue=queue, **moment)
            for one in object_ids
        ]
    )


def user_actor(user: User) -> str:
    return f"user:{user.get_username()}"


def key_actor(key_id: int) -> str:
    return f"key:{key_id}"


def system_actor(name: str) -> str:
    return f"system:{name}"


def about(object_type: str, object_id: str | int) -> QuerySet[Event]:
    """The story of one object, oldest first."""
    return Event.objects.filter(object_type=object_type, object_id=str(object_id)).order_by("id")


def recent(queue: str) -> QuerySet[Event]:
    """The activity of a queue, newest first; the caller slices it."""
    return Event.objects.filter(queue=queue).order_by("-id")
