"""Settle items into labels once their verdicts are final, and hand the labels to the model side.

Like everything that changes an item, the sweep locks it; it skips items that are already locked, and the next sweep
gets them. A label and its outbox row are written in the transaction that settles the item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from reviewqueue.activity import log
from reviewqueue.answers import field_equality, partial
from reviewqueue.kernel import clock, sent_json, sql
from reviewqueue.models import Item, Label, LabelOutbox
from reviewqueue.queue import slots
from reviewqueue.queue.settings import get_answer_spec
from reviewqueue.verdicts import queries, settlement
from reviewqueue.verdicts.settlement import CountedVerdict, MustWait, NeedsFinalSay


@dataclass(frozen=True, slots=True)
class SettledLabel:
    """A label as handed out. `basis`: `single`, `majority` or `final_say`; `reviews`: the number of verdicts.

    `asked`: JSON Pointers of the fields that the reviews asked for; None for the whole answer.
    """

    label_id: int
    item_id: int
    queue: str
    source: str
    round: int
    outcome: str
    answer: Any
    first_outcome: str
    first_answer: Any
    blind: bool
    basis: str
    verdicts: Sequence[int]
    reviews: int
    active_seconds: float | None
    schema_number: int
    settled_at: datetime
    asked: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class _DueItem:
    """An item that is due, with its counting verdicts.

    `asked`: the fields that they give. `awaits_lead`: a lead was already asked for the final say.
    """

    id: int
    queue: str
    round: int
    wanted: int
    schema_number: int
    asked: Sequence[str] | None
    awaits_lead: bool
    judgements: list[CountedVerdict]


def settle_due_items(*, limit: int = 500, now: datetime | None = None) -> int:
    """Process the items whose latest verdict became final, in a fixed number of statements; returns how many.

    Each is settled, waits for its other reviews, or goes to a lead for the final say. A result below `limit` means
    that no more unlocked items are due.
    """
    with transaction.atomic():
        moment = clock.current_time(now)
        due = _lock_due_items(moment, limit)
        decided = {item.id: _decide(item, moment) for item in due}
        _settle_items(
            [(item, one) for item in due if isinstance(one := decided[item.id], settlement.Settlement)], moment, now
        )
        _ask_leads([item for item in due if isinstance(decided[item.id], NeedsFinalSay)], now)
        _reschedule_items({item.id: one.until for item in due if isinstance(one := decided[item.id], MustWait)})
    return len(due)


def take_labels(*, limit: int = 500) -> list[SettledLabel]:
    """Take the oldest labels that were not taken before, in the caller's transaction: a rollback puts them back.

    Raises RuntimeError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("call take_labels() inside the transaction that uses the labels")
    return [
        SettledLabel(**row | {name: _decode_json(row[name]) for name in ("answer", "first_answer", "asked")})
        for row in sql.fetch_rows(queries.TAKE_LABELS, {"limit": limit})
    ]


def error_types_of(label_ids: Sequence[int]) -> dict[int, list[str]]:
    """The distinct error types that the verdicts behind these labels name, by label id; labels without any are left
    out."""
    found: dict[int, list[str]] = {}
    for row in sql.fetch_rows(queries.SELECT_ERROR_TYPES, {"labels": list(label_ids)}):
        found.setdefault(row["label"], []).append(row["error_type"])
    return found


def _lock_due_items(now: datetime, limit: int) -> list[_DueItem]:
    ids = [row["id"] for row in sql.fetch_rows(queries.LOCK_DUE_ITEMS, {"now": now, "limit": limit})]
    if not ids:
        return []
    # Read verdicts after the lock: a read in the same statement would be older than the lock.
    judgements: dict[int, list[CountedVerdict]] = {item: [] for item in ids}
    for row in sql.fetch_rows(queries.SELECT_VERDICTS, {"items": ids}):
        item = row.pop("item_id")
        texts = {name: _decode_json(row[name]) for name in ("answer", "first_answer")}
        judgements[item].append(CountedVerdict(**row | texts))
    return [
        _DueItem(**row | {"asked": _decode_json(row["asked"]) or None}, judgements=judgements[row["id"]])
        for row in sql.fetch_rows(queries.SELECT_DUE_ITEMS, {"items": ids})
    ]


def _decide(item: _DueItem, now: datetime) -> settlement.SettlementResult:
    form = get_answer_spec(slug=item.queue, number=item.schema_number)

    def build_meaning(answer: Any) -> str:
        return field_equality.build_meaning_key(partial.narrow(answer, item.asked), form)

    return settlement.decide_settlement(item.judgements, wanted=item.wanted, now=now, meaning=build_meaning)


def _settle_items(
    settled: Sequence[tuple[_DueItem, settlement.Settlement]], now: datetime, at: datetime | None
) -> None:
    if not settled:
        return
    labels = Label.objects.bulk_create([_build_label(item, outcome, now) for item, outcome in settled])
    LabelOutbox.objects.bulk_create([LabelOutbox(label=label) for label in labels])
    ids = [item.id for item, _ in settled]
    Item.objects.filter(pk__in=ids).update(state=Item.State.SETTLED, closed_at=now, settle_at=None)
    slots.close_slots(ids)
    _record_events([item for item, _ in settled], verb="settled", at=at)


def _build_label(item: _DueItem, settled: settlement.Settlement, now: datetime) -> Label:
    seconds = [one.active_seconds for one in item.judgements if one.active_seconds is not None]
    return Label(
        item_id=item.id,
        round=item.round,
        outcome=settled.vote.outcome,
        answer=settled.vote.answer,
        first_outcome=settled.first_vote.outcome,
        first_answer=settled.first_vote.answer,
        blind=settled.blind,
        basis=settled.basis,
        verdicts=[one.id for one in item.judgements],
        active_seconds=sum(seconds) if seconds else None,
        schema_number=item.schema_number,
        settled_at=now,
    )


def _ask_leads(items: Sequence[_DueItem], at: datetime | None) -> None:
    if not items:
        return
    # A lead is asked once per round, however often the sweep sees the item.
    new = [item for item in items if not item.awaits_lead]
    slots.add_final_slots([item.id for item in new])
    Item.objects.filter(pk__in=[item.id for item in items]).update(settle_at=None)
    _record_events(new, verb="asked_lead", at=at)


def _reschedule_items(until: Mapping[int, datetime | None]) -> None:
    idle = [item for item, moment in until.items() if moment is None]
    if idle:
        Item.objects.filter(pk__in=idle).update(settle_at=None)
    for item, moment in until.items():
        if moment is not None:
            Item.objects.filter(pk=item).update(settle_at=moment)


def _record_events(items: Sequence[_DueItem], *, verb: str, at: datetime | None) -> None:
    ids: dict[str, list[int]] = {}
    for item in items:
        ids.setdefault(item.queue, []).append(item.id)
    actor = log.system_actor("settle")
    for queue, of_queue in sorted(ids.items()):
        log.record_events(actor=actor, verb=verb, object_type="item", object_ids=sorted(of_queue), queue=queue, at=at)


def _decode_json(text: str | None) -> Any:
    return None if text is None else sent_json.parse_sent(text)
