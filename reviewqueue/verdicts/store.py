"""Read what is recorded for a claim, and insert its verdict: one statement each.

A reviewer waits for both on every item. Both run under the item's lock, taken by an earlier statement: only then
does the read see what the previous holder of the lock wrote.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.kernel import sql
from reviewqueue.queue.lease import ClaimId
from reviewqueue.verdicts.validation import VerdictOptions


@dataclass(frozen=True, slots=True)
class StoredFirstAnswer:
    """The person's answer under this claim, given before they saw the proposal."""

    answer: Any
    at: datetime


@dataclass(frozen=True, slots=True)
class ClaimRecord:
    """What is recorded for a claim; `earlier_verdict_id` is its verdict, None if there is none yet."""

    options: VerdictOptions
    schema_number: int
    first_answer: StoredFirstAnswer | None
    earlier_verdict_id: int | None


_SELECT_CLAIM_RECORD = """
SELECT a.kind, a.answers, a.schema::text AS schema, a.number, c.proposal, q.error_types,
    f.answer AS first_answer, f.at AS first_at, v.id AS earlier
FROM reviewqueue_slot s
JOIN reviewqueue_item i ON i.id = s.item_id
JOIN reviewqueue_itemcontent c ON c.item_id = i.id
JOIN reviewqueue_queue q ON q.id = i.queue_id
JOIN reviewqueue_answerschema a ON a.id = i.schema_id
LEFT JOIN reviewqueue_firstanswer f ON f.slot_id = s.id AND f.claim = %(claim)s
LEFT JOIN reviewqueue_verdict v ON v.slot_id = s.id AND v.claim = %(claim)s
WHERE s.id = %(slot)s
"""
_VERDICT_COLUMNS = (
    "slot_id", "item_id", "round", "user_id", "claim", "kind", "answer", "first_answer", "first_at",
    "proposal_visible", "final_say", "reason", "note", "error_type", "active_seconds", "schema_number",
    "guideline_number", "submitted_at", "final_at",
)  # fmt: skip
# The slot is judged, the item is looked at again when the latest of its verdicts is final, and what the person had
# filled in for it is sent.
_INSERT_VERDICT = f"""
WITH judged AS (UPDATE reviewqueue_slot SET state = 'judged' WHERE id = %(slot_id)s),
    settling AS (UPDATE reviewqueue_item SET settle_at = GREATEST(settle_at, %(final_at)s) WHERE id = %(item_id)s),
    sent AS (DELETE FROM reviewqueue_draft WHERE item_id = %(item_id)s AND user_id = %(user_id)s)
INSERT INTO reviewqueue_verdict ({", ".join(_VERDICT_COLUMNS)})
VALUES ({", ".join(f"%({name})s" for name in _VERDICT_COLUMNS)})
RETURNING id
"""  # noqa: S608 - put together from constants, not from input
_JSON_COLUMNS = ("answer", "first_answer")


def load_claim_record(claim: ClaimId) -> ClaimRecord:
    """Load what is recorded for a claim; its slot must exist."""
    row = sql.fetch_row(_SELECT_CLAIM_RECORD, {"slot": claim.slot, "claim": claim.number}, prepared=True)
    assert row is not None
    form = AnswerSpec(kind=row["kind"], answers=_decode_json(row["answers"]), schema=_decode_json(row["schema"]))
    first = None if row["first_at"] is None else StoredFirstAnswer(_decode_json(row["first_answer"]), row["first_at"])
    options = VerdictOptions(form, _decode_json(row["proposal"]), _decode_json(row["error_types"]))
    return ClaimRecord(options, row["number"], first, row["earlier"])


def insert_verdict(verdict: Mapping[str, Any]) -> int:
    """Insert a verdict, given by column name, and mark its slot judged. Returns its id."""
    encoded = {name: None if verdict[name] is None else json.dumps(verdict[name]) for name in _JSON_COLUMNS}
    row = sql.fetch_row(_INSERT_VERDICT, {**verdict, **encoded}, prepared=True)
    assert row is not None
    return int(row["id"])


def _decode_json(text: str | None) -> Any:
    return None if text is None else json.loads(text)
