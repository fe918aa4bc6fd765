"""The statements of verdicts, drafts and labels."""

from __future__ import annotations

from reviewqueue.queue.claim_queries import EVER_HELD

# Whether the person ever held the claim, what is decided, and whether the proposal was shown.
SELECT_CLAIM_STATE = f"""
SELECT {EVER_HELD} AS held,
    EXISTS (SELECT FROM reviewqueue_verdict v WHERE v.slot_id = s.id AND v.claim = %(number)s)
        OR EXISTS (SELECT FROM reviewqueue_verdict v
            WHERE v.item_id = s.item_id AND v.round = s.round AND v.user_id = %(user)s AND v.undone_at IS NULL)
        AS decided,
    EXISTS (SELECT FROM reviewqueue_firstanswer f WHERE f.slot_id = s.id AND f.claim = %(number)s) AS revealed
FROM reviewqueue_slot s WHERE s.id = %(slot)s
"""

# A draft that arrives late does not replace a newer one from another browser.
UPSERT_DRAFT = """
INSERT INTO reviewqueue_draft AS d (item_id, user_id, fields, saved_at)
VALUES (%(item)s, %(user)s, %(fields)s, %(at)s)
ON CONFLICT (item_id, user_id) DO UPDATE SET fields = excluded.fields, saved_at = excluded.saved_at
WHERE d.saved_at <= excluded.saved_at
"""

# The person's draft for an item while it is kept; by its key.
SELECT_DRAFT = """
SELECT fields, saved_at FROM reviewqueue_draft
WHERE item_id = %(item)s AND user_id = %(user)s
  AND saved_at > COALESCE(%(now)s::timestamptz, clock_timestamp()) - %(kept_for)s
"""

# Locked items with what settling needs to know.
SELECT_DUE_ITEMS = """
SELECT i.id, q.slug AS queue, i.round, i.reviews_wanted AS wanted, a.number AS schema_number, i.asked::text AS asked,
    EXISTS (SELECT FROM reviewqueue_slot s WHERE s.item_id = i.id AND s.round = i.round AND s.kind = 'final'
            AND s.state <> 'closed') AS awaits_lead
FROM reviewqueue_item i
JOIN reviewqueue_queue q ON q.id = i.queue_id
JOIN reviewqueue_answerschema a ON a.id = i.schema_id
WHERE i.id = ANY(%(items)s)
"""

# Lock the items whose verdicts became final; by the partial index on `settle_at`.
LOCK_DUE_ITEMS = """
SELECT id FROM reviewqueue_item WHERE state = 'open' AND settle_at <= %(now)s
ORDER BY settle_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
"""

# The verdicts of the present round of each item, in the order they were given.
SELECT_VERDICTS = """
SELECT v.item_id, v.id, v.kind, v.answer, f.kind AS first_kind, v.first_answer, v.proposal_visible, v.final_say,
    v.final_at, v.active_seconds
FROM reviewqueue_item i
JOIN reviewqueue_verdict v ON v.item_id = i.id AND v.round = i.round AND v.undone_at IS NULL
LEFT JOIN reviewqueue_firstanswer f ON f.slot_id = v.slot_id AND f.claim = v.claim
WHERE i.id = ANY(%(items)s) ORDER BY v.id
"""

# Take the oldest labels out of the outbox, skipping those that another worker takes.
TAKE_LABELS = """
WITH taken AS (
    DELETE FROM reviewqueue_labeloutbox WHERE label_id IN (
        SELECT label_id FROM reviewqueue_labeloutbox ORDER BY label_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    RETURNING label_id
)
SELECT l.id AS label_id, l.item_id, q.slug AS queue, i.source, l.round, l.outcome, l.answer, l.first_outcome,
    l.first_answer, l.blind, l.basis, l.verdicts, cardinality(l.verdicts) AS reviews, l.active_seconds,
    l.schema_number, l.settled_at, i.asked::text AS asked
FROM taken
JOIN reviewqueue_label l ON l.id = taken.label_id
JOIN reviewqueue_item i ON i.id = l.item_id
JOIN reviewqueue_queue q ON q.id = i.queue_id
ORDER BY l.id
"""

# The kinds of errors that the verdicts behind each label name.
SELECT_ERROR_TYPES = """
SELECT l.id AS label, v.error_type
FROM reviewqueue_label l JOIN reviewqueue_verdict v ON v.id = ANY(l.verdicts)
WHERE l.id = ANY(%(labels)s) AND v.error_type <> '' GROUP BY l.id, v.error_type ORDER BY l.id, min(v.id)
"""

# What a verdict on a claim is checked against, and the verdict that is there already.
SELECT_CLAIM_RECORD = """
SELECT a.kind, a.answers, a.schema::text AS schema, a.number, i.asked::text AS asked, c.proposal, q.error_types,
    f.answer AS first_answer, f.at AS first_at, COALESCE(k.scopes <@ %(blind_scopes)s::varchar[], true) AS first_blind,
    v.id AS earlier
FROM reviewqueue_slot s
JOIN reviewqueue_item i ON i.id = s.item_id
JOIN reviewqueue_itemcontent c ON c.item_id = i.id
JOIN reviewqueue_queue q ON q.id = i.queue_id
JOIN reviewqueue_answerschema a ON a.id = i.schema_id
LEFT JOIN reviewqueue_firstanswer f ON f.slot_id = s.id AND f.claim = %(claim)s
LEFT JOIN reviewqueue_apikey k ON k.id = f.key_id
LEFT JOIN reviewqueue_verdict v ON v.slot_id = s.id AND v.claim = %(claim)s
WHERE s.id = %(slot)s
"""

# What is written of a verdict.
VERDICT_COLUMNS = (
    "slot_id", "item_id", "round", "user_id", "claim", "key_id", "kind", "answer", "first_answer", "first_at",
    "proposal_visible", "final_say", "reason", "note", "error_type", "active_seconds", "schema_number",
    "guideline_number", "submitted_at", "final_at",
)  # fmt: skip

# Mark the slot judged, settle the item once its latest verdict is final, and delete the person's draft.
INSERT_VERDICT = f"""
WITH judged AS (UPDATE reviewqueue_slot SET state = 'judged' WHERE id = %(slot_id)s),
    settling AS (UPDATE reviewqueue_item SET settle_at = GREATEST(settle_at, %(final_at)s) WHERE id = %(item_id)s),
    sent AS (DELETE FROM reviewqueue_draft WHERE item_id = %(item_id)s AND user_id = %(user_id)s)
INSERT INTO reviewqueue_verdict ({", ".join(VERDICT_COLUMNS)})
VALUES ({", ".join(f"%({name})s" for name in VERDICT_COLUMNS)})
RETURNING id
"""
