"""The statements of guidelines and of who has read them."""

from __future__ import annotations

# A person who has not opened the guidelines yet knows the oldest version among their latest 100 verdicts. The items of
# these verdicts are looked up one by one: with a join and no table statistics yet, PostgreSQL would read the verdicts
# again for each item of the queue.
SELECT_GUIDELINE = """
SELECT g.number, g.text, COALESCE(
    (SELECT r.number FROM reviewqueue_guidelineread r WHERE r.user_id = %(user)s AND r.queue_id = %(queue)s),
    (SELECT min(v.guideline_number)
     FROM (SELECT item_id, guideline_number FROM reviewqueue_verdict WHERE user_id = %(user)s
           ORDER BY submitted_at DESC LIMIT 100) v
     WHERE (SELECT i.queue_id FROM reviewqueue_item i WHERE i.id = v.item_id) = %(queue)s)) AS known
FROM reviewqueue_guideline g
WHERE g.queue_id = %(queue)s AND (g.number = %(number)s OR %(number)s IS NULL)
ORDER BY g.number DESC LIMIT 1
"""

# Note that the person read a version, never an older one than before.
UPSERT_GUIDELINE_READ = """
INSERT INTO reviewqueue_guidelineread (user_id, queue_id, number, at)
SELECT %(user)s, g.queue_id, g.number, now() FROM reviewqueue_guideline g
WHERE g.queue_id = %(queue)s AND g.number = %(number)s
ON CONFLICT (user_id, queue_id) DO UPDATE SET number = EXCLUDED.number, at = EXCLUDED.at
WHERE reviewqueue_guidelineread.number < EXCLUDED.number
"""
