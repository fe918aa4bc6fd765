"""A person's own decisions: a list of their latest verdicts, and the details of one as it was shown to them.

Nobody sees anybody else's. Anything that could influence a pending judgement is withheld: while an item is being
reviewed again, its earlier verdict is not shown, and its outcome is shown only once it is settled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from reviewqueue.accounts import roles
from reviewqueue.kernel import clock, sent_json, sql
from reviewqueue.kernel.errors import NotFound
from reviewqueue.kernel.sent_json import parse_sent
from reviewqueue.models import FirstAnswer, Item, ItemContent, Label, User, Verdict
from reviewqueue.queue import lease
from reviewqueue.reports import queries

# Why a page withholds a verdict: it was undone, the item is being reviewed again, or the item was withdrawn.
type WithheldReason = Literal["", "undone", "asked_again", "withdrawn"]


@dataclass(frozen=True, slots=True)
class RecentVerdict:
    """One of a person's latest verdicts; `words` is the beginning of the item's text, empty if it has none.

    `undoable` while it can be undone; `asked_again` while the item is being reviewed in a later round.
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
    answers_kind: str
    submitted_at: datetime
    final_at: datetime
    undoable: bool
    asked_again: bool


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """The settled outcome of an item, and when it was settled."""

    outcome: str
    answer: Any
    at: datetime


@dataclass(frozen=True, slots=True)
class ShownContent:
    """An item's content as its reviewer saw it."""

    question: str
    input: Any
    context: Any
    language: str
    display: Mapping[str, str]
    proposal: Any


@dataclass(frozen=True, slots=True)
class VerdictDetail:
    """One of a person's verdicts. `shown` is None once the content is gone; `undo_seconds` is the time left to undo."""

    verdict: Verdict
    answers_kind: str
    state: str
    shown: ShownContent | None
    first_kind: str | None
    undo_seconds: int
    withheld: WithheldReason
    settled: ItemOutcome | None


LATEST_COUNT, HISTORY_COUNT = 10, 50


_SELECT_LATEST_VERDICTS = queries.build_verdict_history(LATEST_COUNT)
_SELECT_PAST_VERDICTS = queries.build_verdict_history(HISTORY_COUNT)


def list_latest_verdicts(user: User, *, now: datetime | None = None) -> list[RecentVerdict]:
    """The person's latest ten verdicts in the queues they review, newest first, without undone ones."""
    return _load_recent_verdicts(_SELECT_LATEST_VERDICTS, user, now)


def list_past_verdicts(user: User, *, now: datetime | None = None) -> list[RecentVerdict]:
    """The person's latest fifty verdicts, otherwise as `list_latest_verdicts`."""
    return _load_recent_verdicts(_SELECT_PAST_VERDICTS, user, now)


def get_verdict_detail(*, user: User, slug: str, verdict_id: int, now: datetime | None = None) -> VerdictDetail:
    """One of the person's own verdicts, in a queue they are a member of. Raises NotFound for any other."""
    theirs = roles.queue_for(user, slug)
    mine = Verdict.objects.filter(pk=verdict_id, user=user, item__queue=theirs)
    verdict = mine.select_related("item__queue", "item__schema").first()
    if verdict is None:
        raise NotFound(_("You have no such verdict."))
    item, withheld = verdict.item, _withheld_reason(verdict)
    first = FirstAnswer.objects.filter(slot_id=verdict.slot_id, claim=verdict.claim).first()
    return VerdictDetail(
        verdict=verdict,
        answers_kind=item.schema.kind,
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
    # As text: Django would decode the proposal with rounded numbers.
    rows = ItemContent.objects.annotate(proposal_text=Cast("proposal", TextField()))
    content = rows.filter(pk=item.pk).first()
    if content is None:
        return None
    return ShownContent(
        question=item.queue.question,
        input=content.input,
        context=content.context,
        language=content.language,
        display=item.queue.display,
        proposal=parse_sent(content.proposal_text),
    )


def _find_item_outcome(item: Item) -> ItemOutcome | None:
    """The label of the latest round; None while the item is not settled, because it could influence reviewers."""
    if item.state != Item.State.SETTLED:
        return None
    label = Label.objects.filter(item_id=item.pk, round=item.round).first()
    return ItemOutcome(label.outcome, label.answer, label.settled_at) if label else None


def _undo_seconds_left(verdict: Verdict, now: datetime) -> int:
    item = verdict.item
    waits = verdict.undone_at is None and item.state == Item.State.OPEN and item.round == verdict.round
    return max(0, int((verdict.final_at - now).total_seconds())) if waits else 0


def _decode_json(text: str | None) -> Any:
    return None if text is None else sent_json.parse_sent(text)
