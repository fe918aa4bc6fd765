"""The queue as the model side uses it: enqueue items, withdraw or expire them, reopen them, measure the load.

Claims are in `queue.claim`, verdicts in `verdicts`. Queue settings are in `queue.settings` and re-exported here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from reviewqueue.accounts import roles
from reviewqueue.activity import log
from reviewqueue.kernel import clock, sent_json, sql
from reviewqueue.kernel.errors import DomainError, Invalid, NotFound
from reviewqueue.models import Draft, Item, Queue
from reviewqueue.models.items import Lane
from reviewqueue.queue import queries, slots
from reviewqueue.queue.settings import QueueSettings, configure_queue, get_answer_spec

__all__ = [
    "Lane",
    "NewItem",
    "NotSettled",
    "QueueLoad",
    "QueueSettings",
    "configure_queue",
    "enqueue_items",
    "expire_items",
    "get_answer_spec",
    "measure_loads",
    "reopen_item",
    "withdraw_items",
]


class NotSettled(DomainError):
    """Only a settled item can be reopened."""

    code = "not_settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """One item to enqueue: see `models.Item` and `models.ItemContent` for the fields.

    `rank`: lower is earlier. `lane`: ORDINARY or CHECKS. `copy_of`: the id of the item that this one repeats; it is
    not offered to anybody who judged the original. `asked`: JSON Pointers of the fields that the reviewer has to give;
    None for the whole answer.
    """

    id: int
    reference: str
    schema_number: int
    input: Any
    proposal: Any
    rank: float
    context: Any = None
    alternatives: Sequence[Mapping[str, Any]] = ()
    field_hints: Mapping[str, float] = field(default_factory=dict)
    why: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""
    language: str = ""
    group: str = ""
    lane: int = Lane.ORDINARY
    answer_first: bool = False
    reviews_wanted: int = 1
    undo_seconds: int = 30
    due_at: datetime | None = None
    source: str = "output"
    copy_of: int | None = None
    asked: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class QueueLoad:
    """What waits in a queue: open items, the oldest one's creation time, and slots that only a lead can take."""

    waiting: int
    oldest_at: datetime | None
    for_lead: int


def enqueue_items(*, slug: str, items: Sequence[NewItem], now: datetime | None = None) -> int:
    """Enqueue items in a fixed number of statements; returns how many are new.

    Idempotent: an item whose id already exists stays unchanged, whatever its state. Raises NotFound for an unknown
    queue, Invalid for an unknown schema number.
    """
    if not items:
        return 0
    with transaction.atomic():
        moment = clock.current_time(now)
        distinct = list({item.id: item for item in items}.values())
        fresh = _insert_items(_find_queue_id(slug, distinct), distinct, moment)
        if fresh:
            slots.add_review_slots(fresh)
            actor = log.system_actor("queue")
            log.record_event(actor=actor, verb="enqueued", object_type="item", object_ids=fresh, queue=slug, at=now)
    return len(fresh)


def withdraw_items(*, item_ids: Sequence[int], actor: str, now: datetime | None = None) -> list[int]:
    """Remove open items from their queues; returns the ids that were open.

    A person who holds one finds out when they act on it. Drafts are deleted: they may quote the withdrawn content.
    """
    with transaction.atomic():
        taken = _close_items(item_ids, state=Item.State.WITHDRAWN, actor=actor, now=now, among=_all_items)
        Draft.objects.filter(item_id__in=taken).delete()
    return taken


def expire_items(*, item_ids: Sequence[int], now: datetime | None = None) -> list[int]:
    """Close open items whose deadline has passed; returns the ids closed.

    Items with a live reservation, or with a verdict that is pending or not yet counted, stay open.
    """
    actor = log.system_actor("deadline")
    return _close_items(item_ids, state=Item.State.EXPIRED, actor=actor, now=now, among=_idle_items)


def reopen_item(*, item_id: int, by: roles.Person, reason: str = "", now: datetime | None = None) -> None:
    """Start a new round of reviews on a settled item, with fresh slots; the label of the old round stays.

    Raises NotFound when the person has no access to it, Forbidden unless they are a lead, NotSettled when it is not
    settled.
    """
    with transaction.atomic():
        item = Item.objects.select_for_update(no_key=True).select_related(None).filter(pk=item_id).first()
        slug = Queue.objects.filter(pk=item.queue_id).values_list("slug", flat=True).first() if item else None
        if item is None or slug is None or not roles.queues_for(by).filter(pk=item.queue_id).exists():
            raise NotFound(_("This item does not exist or you have no access to it."))
        if not roles.may_lead(by):
            raise roles.Forbidden(_("Only a lead can reopen a decided item."))
        if item.state != Item.State.SETTLED:
            raise NotSettled(_("This item is not decided yet, so it cannot be reopened."))
        item.round, item.state, item.settle_at, item.closed_at = item.round + 1, Item.State.OPEN, None, None
        item.save(update_fields=["round", "state", "settle_at", "closed_at"])
        slots.add_review_slots([item.pk])
        after = {"round": item.round, "reason": reason}
        actor = log.user_actor(by)
        log.record_event(
            actor=actor, verb="reopened", object_type="item", object_id=item.pk, queue=slug, after=after, at=now
        )


def measure_loads() -> dict[str, QueueLoad]:
    """The load of every queue, by slug. It counts rows, so only pages and reports may call it, never the hot path."""
    return {row.pop("slug"): QueueLoad(**row) for row in sql.fetch_rows(queries.SELECT_LOADS, {"lane": Lane.LEAD})}


def _find_queue_id(slug: str, items: Sequence[NewItem]) -> int:
    """The id of the queue. Raises NotFound, and Invalid when it lacks an item's answer schema."""
    queue = sql.fetch_row(queries.SELECT_QUEUE, {"slug": slug}, prepared=True)
    if queue is None:
        raise NotFound(_("There is no queue %(slug)r.") % {"slug": slug})
    unknown = {item.schema_number for item in items}.difference(queue["numbers"])
    if unknown:
        raise Invalid(
            _("The queue %(slug)r has no answer schema number %(number)s.") % {"slug": slug, "number": min(unknown)}
        )
    return int(queue["id"])


def _insert_items(queue: int, items: Sequence[NewItem], now: datetime) -> list[int]:
    values = {"items": sent_json.encode_sent(items), "queue": queue, "now": now}
    created = {row["id"] for row in sql.fetch_rows(queries.INSERT_ITEMS, values, prepared=True)}
    copies = [item for item in items if item.id in created and item.copy_of is not None]
    if copies:
        columns = {"id": [item.id for item in copies], "original": [item.copy_of for item in copies]}
        sql.run_statement(queries.INSERT_PASSES_FOR_JUDGES, columns | {"now": now})
    return [item.id for item in items if item.id in created]


def _close_items(
    item_ids: Sequence[int],
    *,
    state: Item.State,
    actor: str,
    now: datetime | None,
    among: Callable[[list[int], datetime], list[int]],
) -> list[int]:
    with transaction.atomic():
        # Lock items, then slots, then choose: once the slots are locked nobody can claim one.
        locked = [row["id"] for row in sql.fetch_rows(queries.LOCK_OPEN_ITEMS, {"items": list(item_ids)})]
        sql.fetch_rows(queries.LOCK_OPEN_SLOTS, {"items": locked})
        moment = clock.current_time(now)
        chosen = among(locked, moment)
        if not chosen:
            return []
        slots.close_slots(chosen)
        closed = sql.fetch_rows(queries.CLOSE_ITEMS, {"items": chosen, "state": state, "now": moment})
        _record_by_queue(closed, actor=actor, verb=str(state), at=now)
    return sorted(chosen)


def _all_items(locked: list[int], now: datetime) -> list[int]:
    return locked


def _idle_items(locked: list[int], now: datetime) -> list[int]:
    return [row["id"] for row in sql.fetch_rows(queries.SELECT_IDLE_ITEMS, {"items": locked, "now": now})]


def _record_by_queue(closed: Iterable[sql.SqlRow], *, actor: str, verb: str, at: datetime | None) -> None:
    ids: dict[int, list[int]] = {}
    for row in closed:
        ids.setdefault(row["queue_id"], []).append(row["id"])
    for queue in Queue.objects.filter(pk__in=ids).order_by("pk"):
        log.record_events(
            actor=actor, verb=verb, object_type="item", object_ids=sorted(ids[queue.pk]), queue=queue.slug, at=at
        )
