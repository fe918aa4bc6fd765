"""The statements of a reviewer's own numbers and decisions."""

from __future__ import annotations

from reviewqueue.queue.claim_queries import IS_MEMBER

MAX_COMPARED_VERDICTS = 2_000  # the person's latest; bounds the work for somebody who decides thousands a day

# Today, seven days and thirty, each with its beginning.
PERIODS = "(VALUES (1, %(since_1)s::timestamptz), (7, %(since_7)s), (30, %(since_30)s)) AS p(days, since)"

# How many verdicts the person gave in each period and queue, and how long they took.
SELECT_WORK = f"""
SELECT i.queue_id AS queue, p.days, count(*) AS count,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY v.active_seconds) AS median_seconds
FROM {PERIODS}
JOIN reviewqueue_verdict v ON v.user_id = %(user)s AND v.undone_at IS NULL AND v.submitted_at >= p.since
    AND v.submitted_at >= %(since_30)s
JOIN reviewqueue_item i ON i.id = v.item_id AND i.queue_id = ANY(%(queues)s)
GROUP BY GROUPING SETS ((i.queue_id, p.days), (p.days))
"""

# The same for today.
SELECT_TODAY = """
SELECT count(*) AS count, percentile_cont(0.5) WITHIN GROUP (ORDER BY v.active_seconds) AS median_seconds
FROM reviewqueue_verdict v
JOIN reviewqueue_item i ON i.id = v.item_id AND i.queue_id = ANY(%(queues)s)
WHERE v.user_id = %(user)s AND v.undone_at IS NULL AND v.submitted_at >= %(since_1)s
"""

# Items that others judged too. A final say always agrees with itself, so it does not count, and neither does a verdict
# that asks a lead.
SELECT_COMPARED_VERDICTS = f"""
SELECT i.queue_id AS queue, min(p.days) AS days, v.kind, v.answer::text AS answer, l.outcome, l.answer::text AS settled
FROM (SELECT * FROM reviewqueue_verdict WHERE user_id = %(user)s AND undone_at IS NULL
        AND submitted_at >= %(since_30)s ORDER BY submitted_at DESC LIMIT {MAX_COMPARED_VERDICTS}) v
JOIN {PERIODS} ON v.submitted_at >= p.since
JOIN reviewqueue_item i ON i.id = v.item_id AND i.state = 'settled' AND i.queue_id = ANY(%(queues)s)
JOIN reviewqueue_label l ON l.item_id = i.id AND l.round = i.round
WHERE NOT v.final_say AND v.kind <> 'escalate'
    AND EXISTS (SELECT FROM reviewqueue_verdict o WHERE o.id = ANY(l.verdicts) AND o.user_id <> v.user_id)
GROUP BY v.id, i.queue_id, v.kind, v.answer, l.outcome, l.answer
"""

# Inputs larger than this (stored size in bytes) are not read for an excerpt; the list shows their reference only.
MAX_EXCERPT_INPUT_BYTES = 32_768


def build_verdict_history(limit: int) -> str:
    """Build the list of a person's latest verdicts in the queues they review; by the index on person and time.

    The limit is a literal: with a parameter, a prepared plan would assume a tenth of all the person's verdicts.
    """
    return f"""
SELECT v.id, v.item_id, i.reference, q.slug AS queue, q.title, v.kind, v.answer, a.kind AS answers_kind,
    v.submitted_at, v.final_at,
    v.final_at > %(now)s AND i.state = 'open' AND i.round = v.round AS undoable,
    i.state = 'open' AND i.round > v.round AS asked_again,
    COALESCE(s.words, '') AS words, COALESCE(s.image, false) AS image
FROM (SELECT * FROM reviewqueue_verdict WHERE user_id = %(user)s AND undone_at IS NULL
      ORDER BY submitted_at DESC, id DESC LIMIT {limit}) v
JOIN reviewqueue_item i ON i.id = v.item_id
JOIN reviewqueue_queue q ON q.id = i.queue_id
JOIN reviewqueue_answerschema a ON a.id = i.schema_id
LEFT JOIN reviewqueue_itemcontent c ON c.item_id = i.id AND pg_column_size(c.input) <= {MAX_EXCERPT_INPUT_BYTES}
CROSS JOIN LATERAL (SELECT c.input -> 'image' IS NOT NULL AS image, left(COALESCE(
    c.input ->> 'text', CASE WHEN json_typeof(c.input) = 'string' THEN c.input #>> '{{}}' END,
    c.input #>> '{{messages,0,text}}', c.input #>> '{{messages,0,content}}', c.input #>> '{{candidates,0,text}}'
), 200) AS words) s
WHERE {IS_MEMBER}
ORDER BY v.submitted_at DESC, v.id DESC
"""
