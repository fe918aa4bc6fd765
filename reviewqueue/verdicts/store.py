"""Read what is recorded for a claim, and insert its verdict: one statement each.

A reviewer waits for both on every item. Both run under the item's lock, taken by an earlier statement: only then
does the read see what the previous holder of the lock wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reviewqueue.accounts import roles
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.kernel import sent_json, sql
from reviewqueue.queue.lease import ClaimId
from reviewqueue.verdicts import queries
from reviewqueue.verdicts.validation import VerdictOptions


@dataclass(frozen=True, slots=True)
class StoredFirstAnswer:
    """The person's answer under this claim, given before the product showed them the proposal.

    `blind` unless an API key reported it that could read the proposal elsewhere.
    """

    answer: Any
    at: datetime
    blind: bool


@dataclass(frozen=True, slots=True)
class ClaimRecord:
    """What is recorded for a claim; `earlier_verdict_id` is its verdict, None if there is none yet."""

    options: VerdictOptions
    schema_number: int
    first_answer: StoredFirstAnswer | None
    earlier_verdict_id: int | None


_JSON_COLUMNS = ("answer", "first_answer")


def load_claim_record(claim: ClaimId) -> ClaimRecord:
    """Load what is recorded for a claim; its slot must exist."""
    parameters = {"slot": claim.slot, "claim": claim.number, "blind_scopes": sorted(roles.BLIND_SCOPES)}
    row = sql.fetch_row(queries.SELECT_CLAIM_RECORD, parameters, prepared=True)
    assert row is not None
    form = AnswerSpec(kind=row["kind"], answers=_decode_json(row["answers"]), schema=_decode_json(row["schema"]))
    first = None
    if row["first_at"] is not None:
        first = StoredFirstAnswer(_decode_json(row["first_answer"]), row["first_at"], row["first_blind"])
    options = VerdictOptions(
        form, _decode_json(row["proposal"]), _decode_json(row["error_types"]), _decode_json(row["asked"]) or None
    )
    return ClaimRecord(options, row["number"], first, row["earlier"])


def insert_verdict(verdict: Mapping[str, Any]) -> int:
    """Insert a verdict, given by column name, and mark its slot judged. Returns its id."""
    encoded = {name: None if verdict[name] is None else sent_json.encode_sent(verdict[name]) for name in _JSON_COLUMNS}
    row = sql.fetch_row(queries.INSERT_VERDICT, {**verdict, **encoded}, prepared=True)
    assert row is not None
    return int(row["id"])


def _decode_json(text: str | None) -> Any:
    return None if text is None else sent_json.parse_sent(text)
