"""The decisions feed: rows in commit order, numbered by one sequencer, read by that number.

Row ids are not in commit order, so a reader who pages by id misses what commits late. Here only what is committed
gets a number, by one sequencer at a time, so a reader's cursor never passes anything by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from escalation.models import Decision, FeedHead, Stream
from escalation.models.decisions import new_epoch
from escalation.outputs.status import decision_as_json
from reviewqueue.kernel.errors import DomainError, Invalid

SEQUENCER_LOCK_ID = 0x53_45_51
NUMBERING_BATCH_SIZE = 5_000
MAX_PAGE_SIZE = 1_000


class CursorExpired(DomainError):
    """The feed was restored from a backup since this cursor was given."""

    code = "cursor_expired"
    status = 410


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A page of a stream's feed, oldest first, and the cursor to go on from."""

    items: list[dict[str, Any]]
    next: str


def number_decisions(*, limit: int = NUMBERING_BATCH_SIZE) -> int:
    """Give the committed, unnumbered decisions their numbers; 0 when somebody else is at it."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Without the setting the planner, whose statistics say that little is unnumbered, reads and sorts all of a
        # backlog each time instead of following the index.
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(%s), set_config('enable_bitmapscan', 'off', true)", [SEQUENCER_LOCK_ID]
        )
        if not (cursor.fetchone() or (False,))[0]:
            return 0
        cursor.execute(_NUMBER_DECISIONS, {"limit": limit})
        numbered: int = cursor.rowcount
    return numbered


_NUMBER_DECISIONS = """
    WITH unnumbered AS (
        SELECT id, row_number() OVER (ORDER BY id) AS place FROM (
            SELECT id FROM escalation_decision WHERE seq IS NULL ORDER BY id LIMIT %(limit)s
        ) oldest
    ), head AS (
        INSERT INTO escalation_feedhead AS h (id, epoch, seq)
        SELECT 1, left(md5(random()::text), 8), count(*) FROM unnumbered HAVING count(*) > 0
        ON CONFLICT (id) DO UPDATE SET seq = h.seq + EXCLUDED.seq
        RETURNING h.seq - (SELECT count(*) FROM unnumbered) AS base
    )
    UPDATE escalation_decision d SET seq = head.base + unnumbered.place
    FROM unnumbered, head WHERE d.id = unnumbered.id
"""


def read_feed(*, stream: Stream, after: str = "", limit: int = 100) -> FeedPage:
    """The decisions of a stream after a cursor; an empty cursor reads from the beginning."""
    number_decisions()
    epoch = FeedHead.objects.values_list("epoch", flat=True).first()
    seq = _parse_cursor(after, epoch)
    if epoch is None:
        return FeedPage([], after)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq, external_id, answer::text, outcome, by, revision, decided_at, shadow FROM escalation_decision "
            "WHERE stream_id = %s AND seq > %s ORDER BY seq LIMIT %s",
            [stream.pk, seq, max(1, min(limit, MAX_PAGE_SIZE))],
        )
        rows = cursor.fetchall()
    return FeedPage([_feed_item(row[1:]) for row in rows], f"{epoch}.{rows[-1][0] if rows else seq}")


def begin_new_epoch() -> str:
    """After restoring a backup: end every cursor, since numbers given since the backup are given again."""
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
    """Write decisions in the caller's transaction; the sequencer numbers them after it has committed."""
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
    given, _, number_ = cursor.partition(".")
    if not number_.isdecimal() or len(number_) > 18:
        raise Invalid("This cursor was not given by the feed.", [{"pointer": "/after", "detail": "not a cursor"}])
    if given != epoch:
        raise CursorExpired(
            "The feed was restored since this cursor was given: read it again from the beginning; ids and revisions "
            "tell what you have already."
        )
    return int(number_)


def _feed_item(row: tuple[Any, ...]) -> dict[str, Any]:
    external_id, answer, outcome, by, revision, decided_at, shadow = row
    return {
        "id": external_id,
        **decision_as_json(
            answer=answer, outcome=outcome, by=by, revision=revision, decided_at=decided_at, shadow=shadow
        ),
    }
