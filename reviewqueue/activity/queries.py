"""The statements of the activity log."""

from __future__ import annotations

# Append one event.
INSERT_EVENT = """
INSERT INTO reviewqueue_event (at, actor, verb, queue, object_type, object_id, object_ids, before, after)
VALUES (COALESCE(%(at)s::timestamptz, statement_timestamp()), %(actor)s, %(verb)s, %(queue)s, %(object_type)s,
    %(object_id)s, %(object_ids)s::bigint[], %(before)s::jsonb, %(after)s::jsonb)
"""

# One event about all that the query `ids` finds, as a part of a larger statement; none where it finds nothing.
INSERT_EVENT_ABOUT = """
INSERT INTO reviewqueue_event (at, actor, verb, queue, object_type, object_id, object_ids)
SELECT COALESCE(%(now)s::timestamptz, statement_timestamp()), %(actor)s, '{verb}', %(queue)s, '{object_type}', '',
    array_agg(id ORDER BY id)
FROM ({ids}) AS found (id) HAVING count(*) > 0
"""
