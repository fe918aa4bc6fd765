"""Load what the holder of a claim may see.

Until the person has answered first, the proposed answer and everything that hints at it stay in the database: the
statement itself leaves them out, so no page, endpoint or log can leak them. Lane and source are never read. After
the first answer, the person sees the proposed answer, but still neither the model's confidence nor why the item is
here: a high confidence would reveal a random audit. The same holds for the final say on an answer-first item.
"""

from __future__ import annotations

import json
from typing import Any

from reviewqueue.kernel import sql
from reviewqueue.models import Slot
from reviewqueue.queue import lease
from reviewqueue.queue.claim_view import Claim, ItemView, OtherVerdict, UndoneVerdict

_SELECT_CLAIM = f"""
SELECT s.id AS slot, s.claim, s.kind = %(final)s AS final_say, s.answer_first, r.revealed, s.reserved_until,
    f.kind AS first_kind, f.answer AS first_answer,
    i.id, i.reference, q.slug AS queue, q.title, q.question, a.kind, a.answers,
    a.schema::text AS schema, a.number AS schema_number,
    {lease.GUIDELINE_NUMBER} AS guideline_number,
    c.input::text AS input, c.context::text AS context, c.language, i.due_at,
    q.error_types, q.display,
    CASE WHEN r.revealed THEN c.proposal END AS proposal,
    CASE WHEN r.told THEN c.alternatives END AS alternatives,
    CASE WHEN r.told THEN c.field_hints WHEN r.revealed THEN '{{}}' END AS field_hints,
    CASE WHEN r.told THEN c.why WHEN r.revealed THEN '{{}}' END AS why,
    CASE WHEN r.revealed THEN c.model END AS model,
    u.undone
FROM reviewqueue_slot s
JOIN reviewqueue_item i ON i.id = s.item_id
JOIN reviewqueue_itemcontent c ON c.item_id = i.id
JOIN reviewqueue_queue q ON q.id = i.queue_id
JOIN reviewqueue_answerschema a ON a.id = i.schema_id
LEFT JOIN reviewqueue_firstanswer f ON f.slot_id = s.id AND f.claim = s.claim
CROSS JOIN LATERAL (SELECT NOT s.answer_first OR f.id IS NOT NULL, NOT s.answer_first AND NOT i.answer_first)
    AS r(revealed, told)
LEFT JOIN LATERAL (
    SELECT json_build_object('kind', v.kind, 'answer', v.answer, 'reason', v.reason, 'note', v.note,
        'error_type', v.error_type)::text AS undone
    FROM reviewqueue_verdict v
    WHERE r.revealed AND v.item_id = s.item_id AND v.round = s.round AND v.user_id = s.holder_id
      AND v.undone_at IS NOT NULL
    ORDER BY v.undone_at DESC, v.id DESC LIMIT 1
) AS u ON true
WHERE s.id = %(slot)s
"""  # noqa: S608 - put together from constants, not from input
_SELECT_OTHER_VERDICTS = """
SELECT u.username AS person, v.kind, v.answer, COALESCE(f.kind, v.kind) AS first_kind, v.first_answer, v.first_at,
    NOT v.proposal_visible AS blind, v.reason, v.note, v.error_type, v.submitted_at
FROM reviewqueue_slot s
JOIN reviewqueue_verdict v ON v.item_id = s.item_id AND v.round = s.round AND v.undone_at IS NULL
JOIN reviewqueue_user u ON u.id = v.user_id
LEFT JOIN reviewqueue_firstanswer f ON f.slot_id = v.slot_id AND f.claim = v.claim
WHERE s.id = %(slot)s ORDER BY v.id
"""
_CLAIM_FIELDS = ("answer_first", "revealed", "first_kind", "final_say", "reserved_until")
_JSON_FIELDS = (
    "answers",
    "schema",
    "input",
    "context",
    "error_types",
    "display",
    "proposal",
    "alternatives",
    "field_hints",
    "why",
)


def load_claim(slot: int) -> Claim:
    """Load the current claim on a slot; the slot must exist."""
    # One slot per statement: a list of varying length would be planned anew each time.
    row = sql.fetch_row(_SELECT_CLAIM, {"slot": slot, "final": str(Slot.Kind.FINAL)}, prepared=True)
    assert row is not None
    return _build_claim(row)


def _build_claim(row: sql.SqlRow) -> Claim:
    slot, number = row.pop("slot"), row.pop("claim")
    fields = {name: row.pop(name) for name in _CLAIM_FIELDS}
    first_answer, undone = _decode_json(row.pop("first_answer")), _decode_json(row.pop("undone"))
    for name in _JSON_FIELDS:
        row[name] = _decode_json(row[name])
    row["alternatives"] = row["alternatives"] or []
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
    rows = sql.fetch_rows(_SELECT_OTHER_VERDICTS, {"slot": slot})
    return [
        OtherVerdict(**row | {name: _decode_json(row[name]) for name in ("answer", "first_answer")}) for row in rows
    ]


def _decode_json(text: str | None) -> Any:
    return None if text is None else json.loads(text)
