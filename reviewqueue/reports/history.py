"""What a person decided: their latest verdicts in a line each, and any one as it was shown to them.

Only ever one's own. What could sway a judgement that may still be asked for stays away: while people are asked
about an item again, nobody reads here what was said about it, and what it came to is told once it is settled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.utils.translation import gettext as _

from reviewqueue.accounts import roles
from reviewqueue.kernel import clock, sql
from reviewqueue.kernel.errors import NotFound
from reviewqueue.models import FirstAnswer, Item, ItemContent, Label, User, Verdict
from reviewqueue.queue import lease

# Why a page holds back what was said: it was taken back, people are asked again, or the item left the queue.
type WithheldReason = Literal["", "undone", "asked_again", "withdrawn"]


@dataclass(frozen=True, slots=True)
class RecentVerdict:
    """One of a person's latest verdicts; `words` are the first of its content, empty where it has none.

    `undoable` while it can be taken back; `asked_again` while people are asked about the item in a later round.
    """

    id: int
    item_id: int
    reference: str
    queue: str
    title: str
    words: str
    image: bool
    kind: str
    answer: Any
    submitted_at: datetime
    final_at: datetime
    undoable: bool
    asked_again: bool


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """What an item came to, and when."""

    outcome: str
    answer: Any
    at: datetime


@dataclass(frozen=True, slots=True)
class ShownContent:
    """An item's content as its reviewer had it before them."""

    question: str
    input: Any
    context: Any
    language: str
    display: Mapping[str, str]
    proposal: Any


@dataclass(frozen=True, slots=True)
class VerdictDetail:
    """One of a person's verdicts. `shown` is None once the content is gone; `undo_seconds` are what is left of them."""

    verdict: Verdict
    state: str
    shown: ShownContent | None
    first_kind: str | None
    undo_seconds: int
    withheld: WithheldReason
    settled: ItemOutcome | None


# A document larger than this (in bytes, as it is stored) is not opened for a few words: its reference has to do.
_MAX_EXCERPT_INPUT_BYTES = 32_768
LATEST_COUNT, HISTORY_COUNT = 10, 50


def _build_statement(limit: int) -> str:
    """The limit is no parameter: a prepared plan would reckon with a tenth of all that the person ever decided."""
    return f"""
SELECT v.id, v.item_id, i.reference, q.slug AS queue, q.title, v.kind, v.answer, v.submitted_at, v.final_at,
    v.final_at > %(now)s AND i.state = 'open' AND i.round = v.round AS undoable,
    i.state = 'open' AND i.round > v.round AS asked_again,
    COALESCE(s.words, '') AS words, COALESCE(s.image, false) AS image
FROM (SELECT * FROM reviewqueue_verdict WHERE user_id = %(user)s AND undone_at IS NULL
      ORDER BY submitted_at DESC, id DESC LIMIT {limit}) v
JOIN reviewqueue_item i ON i.id = v.item_id
JOIN reviewqueue_queue q ON q.id = i.queue_id
LEFT JOIN reviewqueue_itemcontent c ON c.item_id = i.id AND pg_column_size(c.input) <= {_MAX_EXCERPT_INPUT_BYTES}
CROSS JOIN LATERAL (SELECT c.input -> 'image' IS NOT NULL AS image, left(COALESCE(
    c.input ->> 'text', CASE WHEN json_typeof(c.input) = 'string' THEN c.input #>> '{{}}' END,
    c.input #>> '{{messages,0,text}}', c.input #>> '{{messages,0,content}}', c.input #>> '{{candidates,0,text}}'
), 200) AS words) s
WHERE {lease.IS_MEMBER}
ORDER BY v.submitted_at DESC, v.id DESC
"""  # noqa: S608 - put together from constants, not from input


_SELECT_LATEST_VERDICTS = _build_statement(LATEST_COUNT)
_SELECT_PAST_VERDICTS = _build_statement(HISTORY_COUNT)


def list_latest_verdicts(user: User, *, now: datetime | None = None) -> list[RecentVerdict]:
    """The person's latest ten in the queues they review, the newest first, without those they took back."""
    return _load_recent_verdicts(_SELECT_LATEST_VERDICTS, user, now)


def list_past_verdicts(user: User, *, now: datetime | None = None) -> list[RecentVerdict]:
    """The same, going back further."""
    return _load_recent_verdicts(_SELECT_PAST_VERDICTS, user, now)


def get_verdict_detail(*, user: User, slug: str, verdict_id: int, now: datetime | None = None) -> VerdictDetail:
    """One verdict of the person's own in a queue of theirs; NotFound for anybody else's."""
    theirs = roles.queue_for(user, slug)
    mine = Verdict.objects.filter(pk=verdict_id, user=user, item__queue=theirs)
    verdict = mine.select_related("item__queue").first()
    if verdict is None:
        raise NotFound(_("There is no such verdict of yours."))
    item, withheld = verdict.item, _withheld_reason(verdict)
    first = FirstAnswer.objects.filter(slot_id=verdict.slot_id, claim=verdict.claim).first()
    return VerdictDetail(
        verdict=verdict,
        state=item.state,
        shown=None if withheld == "withdrawn" else _load_shown_content(item),
        first_kind=first.kind if first else None,
        undo_seconds=_undo_seconds_left(verdict, clock.current_time(now)),
        withheld=withheld,
        settled=_find_item_outcome(item) if not withheld else None,
    )


def _load_recent_verdicts(statement: str, user: User, now: datetime | None) -> list[RecentVerdict]:
    parameters = {"user": user.pk, "roles": lease.reviewer_roles(), "now": clock.current_time(now)}
    return [
        RecentVerdict(**row | {"answer": _decode_json(row["answer"])})
        for row in sql.fetch_rows(statement, parameters, prepared=True)
    ]


def _withheld_reason(verdict: Verdict) -> WithheldReason:
    item = verdict.item
    if item.state == Item.State.WITHDRAWN:
        return "withdrawn"
    if item.state == Item.State.OPEN and item.round > verdict.round:
        return "asked_again"
    return "undone" if verdict.undone_at is not None else ""


def _load_shown_content(item: Item) -> ShownContent | None:
    content = ItemContent.objects.filter(pk=item.pk).first()
    if content is None:
        return None
    return ShownContent(
        question=item.queue.question,
        input=content.input,
        context=content.context,
        language=content.language,
        display=item.queue.display,
        proposal=content.proposal,
    )


def _find_item_outcome(item: Item) -> ItemOutcome | None:
    """The label of the latest round, and only while nobody is asked: later rounds would be swayed by it."""
    if item.state != Item.State.SETTLED:
        return None
    label = Label.objects.filter(item_id=item.pk, round=item.round).first()
    return ItemOutcome(label.outcome, label.answer, label.settled_at) if label else None


def _undo_seconds_left(verdict: Verdict, now: datetime) -> int:
    item = verdict.item
    waits = verdict.undone_at is None and item.state == Item.State.OPEN and item.round == verdict.round
    return max(0, int((verdict.final_at - now).total_seconds())) if waits else 0


def _decode_json(text: str | None) -> Any:
    return None if text is None else json.loads(text)
