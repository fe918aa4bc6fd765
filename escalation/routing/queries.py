"""The statements of routing, and of the lock that a stop waits for."""

from __future__ import annotations

# Overloaded streams whose policy holds outputs back instead of refusing them at the door.
HOLDING_STREAMS = """
    SELECT s.id FROM escalation_stream s
    WHERE s.waiting >= s.max_waiting AND 'hold' = (
        SELECT p.spec ->> 'on_overload'
        FROM escalation_activation a JOIN escalation_policy p ON p.id = a.policy_id
        WHERE a.stream_id = s.id AND a.effective_at <= now()
        ORDER BY a.effective_at DESC, a.id DESC LIMIT 1
    )
"""

# Set the time to wait, and those of these outputs that no overloaded stream holds back.
SELECT_ROUTABLE = f"""
    SELECT set_config('lock_timeout', %s, true),
        ARRAY(SELECT id FROM escalation_output WHERE id = ANY(%s) AND stream_id NOT IN ({HOLDING_STREAMS}))
"""

# The oldest received outputs that nobody works on, as a new batch; by the partial index of received outputs.
PICK_BATCH = f"""
    WITH picked AS (
        SELECT o.id, o.size FROM escalation_output o
        WHERE o.state = 'received'
          AND o.id NOT IN (SELECT unnest(output_ids) FROM escalation_dispatchbatch)
          AND o.stream_id NOT IN ({HOLDING_STREAMS})
        ORDER BY o.id LIMIT %(rows)s FOR UPDATE OF o SKIP LOCKED
    ), measured AS (
        SELECT id, sum(size) OVER (ORDER BY id) - size AS before FROM picked
    )
    INSERT INTO escalation_dispatchbatch (output_ids)
    SELECT array_agg(id ORDER BY id) FROM measured WHERE before < %(bytes)s HAVING count(*) > 0
    RETURNING id, output_ids
"""

# Until the transaction ends, follow the index to the first rows instead of reading and sorting all.
FOLLOW_INDEXES = "SET LOCAL enable_bitmapscan = off"

# Lock the batches of workers that died.
LOCK_ABANDONED_BATCHES = """
    SELECT id, output_ids FROM escalation_dispatchbatch
    WHERE created_at < clock_timestamp() - make_interval(secs => %s) FOR UPDATE SKIP LOCKED
"""

# Take a lock that the session holds, unless somebody else has it.
TRY_SESSION_LOCK = "SELECT pg_try_advisory_lock(%s, %s)"

# Give it back.
UNLOCK_SESSION_LOCK = "SELECT pg_advisory_unlock(%s, %s)"

# Count a try of an output that is still to be routed.
COUNT_RETRY = """
    UPDATE escalation_output SET attempts = LEAST(attempts + 1, %s) WHERE id = %s AND state = %s RETURNING attempts
"""

# Lock outputs that are still to be routed, in the order of ids.
LOCK_RECEIVED = """
    SELECT id, stream_id, external_id, model, model_version, predicted, confidence, value, segment, "group", due_at,
           received_at, schema_number, shadow, label_decisions::text, invalid_prediction, field_confidences::text
    FROM escalation_output WHERE id = ANY(%s) AND state = 'received' ORDER BY id FOR UPDATE
"""

# One round trip for routes, first decisions and states: a producer may be waiting for it.
WRITE_ROUTES = """
    WITH made AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%(rows)s::json) AS made (
            id bigint, kind text, reason text, policy_id bigint, stop_id bigint, eligible bool, released bool,
            audit text, threshold float8, u float8, p float8, pi float8, state text, due_at timestamptz,
            external_id text, answer json, shadow bool, parts jsonb)
    ), routed AS (
        INSERT INTO escalation_route (output_id, kind, reason, policy_id, stop_id, eligible, released, audit,
            threshold, u, p, pi, parts, routed_at)
        SELECT id, kind, reason, policy_id, stop_id, eligible, released, audit, threshold, u, p, pi, parts, %(now)s
        FROM made
    ), decided AS (
        -- The model's answer stands: its first revision.
        INSERT INTO escalation_decision (output_id, stream_id, external_id, revision, by, outcome, answer, shadow,
            decided_at)
        SELECT id, %(stream)s, external_id, 1, 'model', 'answered', answer::text, shadow, %(now)s
        FROM made WHERE released ORDER BY id
    )
    UPDATE escalation_output o SET state = made.state, due_at = made.due_at FROM made WHERE o.id = made.id
"""

# The payloads of these outputs.
SELECT_PAYLOADS = "SELECT output_id, body::text FROM escalation_payload WHERE output_id = ANY(%s)"

# STOP must not fail because a release takes long, so it waits for locks longer than other requests do.
WAIT_LONGER_FOR_STOP = "SET LOCAL lock_timeout = '30s'"

# Wait for every release under way, and keep others from beginning.
TAKE_RELEASE_LOCK = "SELECT pg_advisory_xact_lock(%s)"

# The try was an outage's, not the output's.
TAKE_BACK_RETRY = """
    UPDATE escalation_output SET attempts = attempts - 1 WHERE id = %s AND state = 'received' AND attempts > 0
"""

# Wait for a stop under way.
SHARE_RELEASE_LOCK = "SELECT pg_advisory_xact_lock_shared(%s)"

# The stops in force.
SELECT_ACTIVE_STOPS = "SELECT stream_id, id FROM escalation_stop WHERE resumed_at IS NULL"
