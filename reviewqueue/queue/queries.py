"""Statements about items and slots."""

from __future__ import annotations

# As many slots as the items want reviews.
INSERT_REVIEW_SLOTS = """
INSERT INTO reviewqueue_slot (item_id, queue_id, round, kind, lane, rank, answer_first, state, claim)
SELECT i.id, i.queue_id, i.round, CASE n WHEN 1 THEN 'first' ELSE 'second' END, i.lane, i.rank,
       i.answer_first OR n > 1, 'open', 0
FROM reviewqueue_item i CROSS JOIN LATERAL generate_series(1, i.reviews_wanted) n
WHERE i.id = ANY(%(items)s) ORDER BY i.id, n
RETURNING queue_id, lane, rank
"""

# A slot for the final say on each of these items.
INSERT_FINAL_SLOTS = """
INSERT INTO reviewqueue_slot (item_id, queue_id, round, kind, lane, rank, answer_first, state, claim)
SELECT i.id, i.queue_id, i.round, 'final', %(lane)s, i.rank, false, 'open', 0
FROM reviewqueue_item i WHERE i.id = ANY(%(items)s) ORDER BY i.id
RETURNING queue_id, lane, rank
"""

# Close the open slots of these items.
CLOSE_SLOTS = "UPDATE reviewqueue_slot SET state = 'closed' WHERE item_id = ANY(%(items)s) AND state = 'open'"

# Skip cursors that are being saved right now, so that neither side waits for the other. A cursor left in place for
# that reason is rechecked at its `recheck_at`, minutes later.
REWIND_CURSORS = """
UPDATE reviewqueue_claimcursor SET rank = %(rank)s, slot_id = 0 WHERE id IN (
    SELECT id FROM reviewqueue_claimcursor
    WHERE queue_id = %(queue)s AND lane = %(lane)s AND rank >= %(rank)s FOR UPDATE SKIP LOCKED)
"""

# A queue by its slug, and the numbers of its sets of answers.
SELECT_QUEUE = """
SELECT q.id, ARRAY(SELECT a.number FROM reviewqueue_answerschema a WHERE a.queue_id = q.id) AS numbers
FROM reviewqueue_queue q WHERE q.slug = %(slug)s
"""

# Insert in id order, so that two overlapping batches lock in the same order and cannot deadlock.
INSERT_ITEMS = """
WITH n AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(items)s::json) AS n (
        id bigint, reference text, schema_number int, source text, "group" text, lane smallint, rank float8,
        answer_first bool, reviews_wanted smallint, undo_seconds int, due_at timestamptz,
        input json, context json, proposal json, alternatives jsonb, field_hints jsonb, why jsonb, model text,
        language text, asked jsonb)
), created AS (
    INSERT INTO reviewqueue_item (id, queue_id, reference, schema_id, source, "group", lane, rank, answer_first,
        reviews_wanted, undo_seconds, due_at, asked, state, round, created_at)
    SELECT n.id, %(queue)s, reference, a.id, source, "group", lane, rank, answer_first, reviews_wanted,
        undo_seconds, due_at, asked, 'open', 1, %(now)s
    FROM n JOIN reviewqueue_answerschema a ON a.queue_id = %(queue)s AND a.number = n.schema_number
    ORDER BY n.id ON CONFLICT (id) DO NOTHING RETURNING reviewqueue_item.id
), filled AS (
    INSERT INTO reviewqueue_itemcontent
        (item_id, input, context, proposal, alternatives, field_hints, why, model, language)
    SELECT id, COALESCE(input, 'null'::json), context, COALESCE(proposal::text, 'null'), alternatives, field_hints, why,
        model, language
    FROM n JOIN created USING (id)
)
SELECT id FROM created
"""

# Keep test items from the people who judged what they were copied from.
INSERT_PASSES_FOR_JUDGES = """
INSERT INTO reviewqueue_pass (item_id, round, user_id, reason, final_say, at)
SELECT DISTINCT n.id, 1, v.user_id, 'judged_original', true, %(now)s::timestamptz
FROM unnest(%(id)s::bigint[], %(original)s::bigint[]) AS n(id, original)
JOIN reviewqueue_verdict v ON v.item_id = n.original
"""

# Lock the open ones of these items, in the order of ids.
LOCK_OPEN_ITEMS = """
SELECT id FROM reviewqueue_item WHERE id = ANY(%(items)s) AND state = 'open' ORDER BY id FOR NO KEY UPDATE
"""

# Lock the open slots of these items, in the order of ids.
LOCK_OPEN_SLOTS = """
SELECT id FROM reviewqueue_slot WHERE item_id = ANY(%(items)s) AND state = 'open' ORDER BY id FOR UPDATE
"""

# `settle_at` is set from the verdict until it is counted: for a pending verdict, and for one the sweep has yet to see.
SELECT_IDLE_ITEMS = """
SELECT i.id FROM reviewqueue_item i
WHERE i.id = ANY(%(items)s) AND i.settle_at IS NULL AND NOT EXISTS (
    SELECT FROM reviewqueue_slot s WHERE s.item_id = i.id AND s.state = 'open' AND s.reserved_until > %(now)s)
"""

# Close items that are locked.
CLOSE_ITEMS = """
UPDATE reviewqueue_item SET state = %(state)s, closed_at = %(now)s, settle_at = NULL
WHERE id = ANY(%(items)s) RETURNING id, queue_id
"""

# How much waits in each queue, since when, and how much of it for a lead.
SELECT_LOADS = """
SELECT q.slug, COALESCE(i.waiting, 0) AS waiting, i.oldest_at, COALESCE(s.for_lead, 0) AS for_lead
FROM reviewqueue_queue q
LEFT JOIN (SELECT queue_id, count(*) AS waiting, min(created_at) AS oldest_at
           FROM reviewqueue_item WHERE state = 'open' GROUP BY queue_id) i ON i.queue_id = q.id
LEFT JOIN (SELECT queue_id, count(*) AS for_lead
           FROM reviewqueue_slot WHERE state = 'open' AND lane = %(lane)s GROUP BY queue_id) s ON s.queue_id = q.id
"""

# By queue with fewer reviewers than an item needs reviews: how many they are, and how many items of its first open
# slots none of them can take, because all have judged or passed them. Other queues are not looked at.
COUNT_UNREVIEWABLE = """
WITH wanted AS (
    SELECT q.id, q.slug, w.needed FROM unnest(%(slugs)s::text[], %(needed)s::int[]) AS w(slug, needed)
    JOIN reviewqueue_queue q USING (slug)
), members AS MATERIALIZED (
    SELECT w.id AS queue, u.id AS person FROM wanted w
    JOIN reviewqueue_user u ON u.is_active AND u.role = ANY(%(takers)s) AND (u.all_queues OR EXISTS (
        SELECT FROM reviewqueue_membership m WHERE m.user_id = u.id AND m.queue_id = w.id))
), short AS (
    SELECT w.id, w.slug, count(m.person) AS reviewers FROM wanted w LEFT JOIN members m ON m.queue = w.id
    GROUP BY w.id, w.slug, w.needed HAVING count(m.person) < w.needed
)
SELECT short.slug, short.reviewers, t.items
FROM short CROSS JOIN LATERAL (
    SELECT count(DISTINCT s.item_id) AS items
    FROM (SELECT id, item_id, round, reserved_until FROM reviewqueue_slot
          WHERE queue_id = short.id AND state = 'open' AND lane <> %(lead)s
          ORDER BY lane, rank, id LIMIT %(most)s) s
    WHERE (s.reserved_until IS NULL OR s.reserved_until <= COALESCE(%(now)s::timestamptz, statement_timestamp()))
      AND NOT EXISTS (SELECT FROM members m WHERE m.queue = short.id
        AND NOT EXISTS (SELECT FROM reviewqueue_pass p
            WHERE p.item_id = s.item_id AND p.round = s.round AND p.user_id = m.person)
        AND NOT EXISTS (SELECT FROM reviewqueue_slot mine
            WHERE mine.item_id = s.item_id AND mine.round = s.round AND mine.holder_id = m.person
              AND mine.state IN ('open', 'judged') AND mine.id <> s.id))
) t
WHERE t.items > 0
"""
