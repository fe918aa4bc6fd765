"""Load what the holder of a claim may see.

Until the person has answered first, the proposed answer and everything that hints at it stay in the database: the
statement itself leaves them out, so no page, endpoint or log can leak them. Lane and source are never read. After
the first answer, the person sees the proposed answer, but still neither the model's confidence nor why the item is
here: a high confidence would reveal a random audit. The same holds for the final say on an answer-first item.

Of an item that asks for some fields only, the rest of the proposal is shown from the beginning. `_build_claim` cuts the
asked fields out of it before anything else sees it.
"""

from __future__ import annotations

from typing import Any

from reviewqueue.answers import partial
from reviewqueue.kernel import sent_json, sql
from reviewqueue.models import Slot
from reviewqueue.queue import claim_queries
from reviewqueue.queue.claim_view import Claim, ItemView, OtherVerdict, UndoneVerdict

_CLAIM_FIELDS = ("answer_first", "revealed", "first_kind", "final_say", "reserved_until")
_JSON_FIELDS = (
    "answers",
    "schema",
    "input",
    "context",
    "error_types",
    "display",
    "asked",
    "kept",
    "proposal",
    "alternatives",
    "field_hints",
    "why",
)


def load_claim(slot: int) -> Claim:
    """Load the current claim on a slot; the slot must exist."""
    # One slot per statement: a list of varying length would be planned anew each time.
    row = sql.fetch_row(claim_queries.SELECT_CLAIM, {"slot": slot, "final": str(Slot.Kind.FINAL)}, prepared=True)
    assert row is not None
    return _build_claim(row)


def _build_claim(row: sql.SqlRow) -> Claim:
    slot, number = row.pop("slot"), row.pop("claim")
    fields = {name: row.pop(name) for name in _CLAIM_FIELDS}
    first_answer, undone = _decode_json(row.pop("first_answer")), _decode_json(row.pop("undone"))
    for name in _JSON_FIELDS:
        row[name] = _decode_json(row[name])
    row["alternatives"] = row["alternatives"] or []
    row["asked"] = row["asked"] or None
    row["kept"] = partial.leave_out(row["kept"], row["asked"])
    others = _load_other_verdicts(slot) if fields["final_say"] else []
    return Claim(
        id=f"{slot}.{number}",
        item=ItemView(**row),
        first_answer=first_answer,
        others=others,
        undone=UndoneVerdict(**undone) if undone else None,
        **fields,
    )


def _load_other_verdicts(slot: int) -> list[OtherVerdict]:
    rows = sql.fetch_rows(claim_queries.SELECT_OTHER_VERDICTS, {"slot": slot})
    return [
        OtherVerdict(**row | {name: _decode_json(row[name]) for name in ("answer", "first_answer")}) for row in rows
    ]


def _decode_json(text: str | None) -> Any:
    return None if text is None else sent_json.parse_sent(text)
