"""The decisions feed: rows numbered in commit order by one sequencer, and read by that number.

Row ids are not in commit order, so a reader who pages by id misses rows that commit late. Here only committed rows get
a number, from one sequencer at a time, so a reader's cursor never skips a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from escalation.decisions import queries
from escalation.models import Decision, FeedHead, Stream
from escalation.models.decisions import new_epoch
from escalation.outputs.status import decision_as_json
from reviewqueue.kernel import sql
from reviewqueue.kernel.errors import DomainError, Invalid

SEQUENCER_LOCK_ID = 0x53_45_51
NUMBERING_BATCH_SIZE = 5_000
MAX_PAGE_SIZE = 1_000


class CursorExpired(DomainError):
    """The feed was restored from a backup after this cursor was issued."""

    code = "cursor_expired"
    status = 410


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A page of a stream's feed, oldest first, and the cursor of the next page."""

    items: list[dict[str, Any]]
    next: str


def number_decisions(*, limit: int = NUMBERING_BATCH_SIZE) -> int:
    """Number the committed decisions that have no number yet; returns how many, 0 if another process is doing it."""
    with transaction.atomic():
        if not sql.fetch_value(queries.TRY_SEQUENCER_LOCK, [SEQUENCER_LOCK_ID]):
            return 0
        return sql.run_statement(queries.NUMBER_DECISIONS, {"limit": limit})


def read_feed(*, stream: Stream, after: str = "", limit: int = 100) -> FeedPage:
    """A stream's decisions after a cursor; an empty cursor reads from the beginning.

    Raises Invalid for a malformed cursor and CursorExpired for one from before a restore.
    """
    number_decisions()
    epoch = FeedHead.objects.values_list("epoch", flat=True).first()
    seq = _parse_cursor(after, epoch)
    if epoch is None:
        return FeedPage([], after)
    rows = sql.fetch_tuples(queries.READ_FEED, [stream.pk, seq, max(1, min(limit, MAX_PAGE_SIZE))])
    return FeedPage([_feed_item(row[1:]) for row in rows], f"{epoch}.{rows[-1][0] if rows else seq}")


def begin_new_epoch() -> str:
    """Invalidate every cursor after restoring a backup, because numbers assigned since the backup are reused."""
    head, _ = FeedHead.objects.get_or_create(id=1)
    head.epoch = new_epoch()
    head.save(update_fields=["epoch"])
    return head.epoch


@dataclass(frozen=True, slots=True)
class NewDecision:
    """A decision to be written."""

    output_id: int
    stream_id: int
    external_id: str
    revision: int
    by: Decision.By
    outcome: str
    answer: Any
    shadow: bool
    label_id: int | None = None


def add_decisions(decided: Sequence[NewDecision], *, now: datetime) -> None:
    """Write decisions in the caller's transaction; the sequencer numbers them after the commit."""
    Decision.objects.bulk_create(
        Decision(
            output_id=new.output_id,
            stream_id=new.stream_id,
            external_id=new.external_id,
            revision=new.revision,
            by=new.by,
            outcome=new.outcome,
            answer=new.answer,
            shadow=new.shadow,
            label_id=new.label_id,
            decided_at=now,
        )
        for new in decided
    )


def _parse_cursor(cursor: str, epoch: str | None) -> int:
    if not cursor:
        return 0
    cursor_epoch, _, seq = cursor.partition(".")
    if not seq.isdecimal() or len(seq) > 18:
        raise Invalid(
            "Invalid cursor. Use the `next` value of an earlier page, or leave `after` out to start at the beginning.",
            [{"pointer": "/after", "detail": "not a cursor"}],
        )
    if cursor_epoch != epoch:
        raise CursorExpired(
            "The feed was restored from a backup after this cursor was issued. Read it again from the beginning; ids "
            "and revisions show which decisions you already have."
        )
    return int(seq)


def _feed_item(row: tuple[Any, ...]) -> dict[str, Any]:
    external_id, answer, outcome, by, revision, decided_at, shadow = row
    return {
        "id": external_id,
        **decision_as_json(
            answer=answer, outcome=outcome, by=by, revision=revision, decided_at=decided_at, shadow=shadow
        ),
    }
