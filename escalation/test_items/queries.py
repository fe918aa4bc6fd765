"""The statements of test items."""

from __future__ import annotations

from escalation.models import output_id

# A waiting test item has its payload in the outputs' table, under an id of its own, until it gets an item's id. One
# with an outdated answer schema would be easy to spot, so it keeps waiting.
WAITING_TEST_ITEMS = """
    SELECT t.id, t.copy_of, p.body::text, t.answer::text
    FROM escalation_testitem t JOIN escalation_payload p ON p.output_id = t.id
    WHERE t.stream_id = %(stream)s AND t.settled_at IS NULL AND t.schema_number = %(schema)s
    ORDER BY t.id LIMIT %(count)s FOR UPDATE SKIP LOCKED
"""

# An id as an output that is received at a moment is given one.
GENERATE_OUTPUT_ID = f"SELECT {output_id.OUTPUT_ID_SQL.format(at='%s::timestamptz')}"

# Errors that reviewers caught blind and that were never used as a test item.
_UNUSED_ERRORS = """
    FROM escalation_outcome e
    JOIN escalation_output o ON o.id = e.output_id
    JOIN escalation_payload p ON p.output_id = o.id
    WHERE e.stream_id = %(stream)s AND e.wrong AND e.blind AND e.outcome = 'answered' AND e.overturned
      AND o.state = 'decided' AND o.schema_number = %(schema)s
      AND NOT EXISTS (SELECT FROM escalation_testitem t WHERE t.copy_of = o.id)
"""

# The latest of them first.
PAST_ERRORS = f"""
    SELECT p.body::text, e.answer::text, o.id {_UNUSED_ERRORS} AND e.settled_at < %(before)s
    ORDER BY e.settled_at DESC LIMIT %(limit)s
"""

# How many there are, also those that settled too recently, up to a limit.
COUNT_PAST_ERRORS = f"SELECT count(*) FROM (SELECT {_UNUSED_ERRORS} LIMIT %(limit)s) f"
