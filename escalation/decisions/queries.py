"""The statements of decisions, outcomes and deadlines."""

from __future__ import annotations

# What is past its deadline and has an answer for that; by the partial index on `due_at` of outputs in review. Accepting
# takes both policies, the one that routed the output and the one in effect: a stricter one holds at once.
OVERDUE = """
    SELECT o.id, p.spec ->> 'on_deadline'
    FROM escalation_output o
    JOIN escalation_route r ON r.output_id = o.id
    JOIN escalation_policy p ON p.id = r.policy_id
    JOIN escalation_stream s ON s.id = o.stream_id
    WHERE o.state = 'in_review' AND o.due_at <= %(now)s AND (
        p.spec ->> 'on_deadline' = 'reject'
        OR p.spec ->> 'on_deadline' = 'accept' AND o.confidence IS NOT NULL AND NOT o.invalid_prediction
           AND r.stop_id IS NULL
           AND (r.reason IN ('below_threshold', 'audit') OR r.reason LIKE 'below\\_threshold:%%')
           AND s.waiting < s.max_waiting
           AND NOT (s.id = ANY(%(stopped)s) OR %(all_stopped)s)
           AND EXISTS (
               SELECT FROM (
                   SELECT policy_id FROM escalation_activation
                   WHERE stream_id = o.stream_id AND effective_at <= clock_timestamp()
                   ORDER BY effective_at DESC, id DESC LIMIT 1
               ) AS active
               JOIN escalation_policy present ON present.id = active.policy_id
               WHERE present.schema_number = o.schema_number AND present.spec ->> 'on_deadline' = 'accept'
                 AND (jsonb_array_length(present.spec -> 'model_versions') = 0
                      OR jsonb_exists(present.spec -> 'model_versions', o.model_version)))
    )
    ORDER BY o.due_at LIMIT %(limit)s
"""

# Without this setting the planner, whose statistics say that few rows are unnumbered, reads and sorts the whole backlog
# each time instead of following the index.
TRY_SEQUENCER_LOCK = "SELECT pg_try_advisory_xact_lock(%s), set_config('enable_bitmapscan', 'off', true)"

# Number committed decisions in the order of ids; by the partial index of unnumbered ones.
NUMBER_DECISIONS = """
    WITH unnumbered AS (
        SELECT id, row_number() OVER (ORDER BY id) AS place FROM (
            SELECT id FROM escalation_decision WHERE seq IS NULL ORDER BY id LIMIT %(limit)s
        ) oldest
    ), head AS (
        INSERT INTO escalation_feedhead AS h (id, epoch, seq)
        SELECT 1, left(md5(random()::text), 8), count(*) FROM unnumbered HAVING count(*) > 0
        ON CONFLICT (id) DO UPDATE SET seq = h.seq + EXCLUDED.seq
        RETURNING h.seq - (SELECT count(*) FROM unnumbered) AS base
    )
    UPDATE escalation_decision d SET seq = head.base + unnumbered.place
    FROM unnumbered, head WHERE d.id = unnumbered.id
"""

# A page of a stream's feed; by the partial index on stream and `seq`.
READ_FEED = """
    SELECT seq, external_id, answer::text, outcome, by, revision, decided_at, shadow FROM escalation_decision
    WHERE stream_id = %s AND seq > %s ORDER BY seq LIMIT %s
"""

# Lock outputs in the order of ids, each with its latest decision.
LOCK_OUTPUTS = """
    SELECT o.id, o.stream_id, o.external_id, o.state, o.shadow, (p.body -> 'prediction')::text,
           COALESCE(d.revision, 0), d.outcome, d.answer::text, r.parts::text
    FROM escalation_output o
    LEFT JOIN escalation_route r ON r.output_id = o.id
    JOIN escalation_payload p ON p.output_id = o.id
    LEFT JOIN LATERAL (
        SELECT revision, outcome, answer FROM escalation_decision WHERE output_id = o.id
        ORDER BY revision DESC LIMIT 1
    ) d ON true
    WHERE o.id = ANY(%s) ORDER BY o.id FOR NO KEY UPDATE OF o
"""

# A later round decides again, but the first round's verdict on the model stays: reviewers of a later round know that
# the output was decided before, and outputs are not reopened at random. Reviews and review time add up.
UPSERT_OUTCOMES = """
    INSERT INTO escalation_outcome AS o (
        output_id, stream_id, label_id, round, outcome, answer, settled, wrong, part_errors, overturned, blind, reviews,
        active_seconds, settled_at)
    SELECT output_id, stream_id, label_id, round, outcome, answer::text, settled, wrong, part_errors, overturned, blind,
        reviews, active_seconds, settled_at
    FROM json_to_recordset(%s::json) AS new (
        output_id bigint, stream_id bigint, label_id bigint, round smallint, outcome text, answer json, settled text,
        wrong boolean, part_errors jsonb, overturned boolean, blind boolean, reviews smallint,
        active_seconds double precision, settled_at timestamptz)
    ON CONFLICT (output_id) DO UPDATE SET
        label_id = excluded.label_id, round = excluded.round, outcome = excluded.outcome, answer = excluded.answer,
        overturned = excluded.overturned, settled_at = excluded.settled_at,
        reviews = o.reviews + excluded.reviews,
        active_seconds = COALESCE(o.active_seconds + excluded.active_seconds, o.active_seconds, excluded.active_seconds)
"""
