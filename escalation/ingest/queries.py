"""The statements of receiving outputs."""

from __future__ import annotations

from escalation.models.output_id import OUTPUT_ID_SQL
from reviewqueue.activity import log

RECEIVED_VERB = "outputs.received"

# The columns of an output that come from its producer.
COLUMNS = (
    'external_id, model, model_version, predicted, confidence, value, segment, "group", due_at, occurred_at, '
    "shadow, size, label_decisions, invalid_prediction, field_confidences"
)

COLUMN_NAMES = COLUMNS.replace('"', "").split(", ")

# When they are received.
RECEIVED_AT_SQL = "COALESCE(%(now)s::timestamptz, statement_timestamp())"

# Claim external ids and number their outputs; in the order of ids, so that two batches cannot deadlock.
INSERT_IDS = f"""
    INSERT INTO escalation_externalid (stream_id, external_id, output_id, digest)
    SELECT %(stream)s, external_id, {OUTPUT_ID_SQL.format(at=RECEIVED_AT_SQL)}, digest
    FROM {{source}} ORDER BY external_id
    ON CONFLICT DO NOTHING RETURNING external_id, output_id
"""

# Everything in one statement, including the event: a transaction of its own in a single round trip.
INSERT_FEW = f"""
    WITH element AS (
        SELECT decode(hex, 'hex') AS digest, body, {COLUMNS} FROM json_to_recordset(%(rows)s::json) AS row (
            external_id text, model text, model_version text, predicted text, confidence float8, value float8,
            segment jsonb, "group" text, due_at timestamptz, occurred_at timestamptz, shadow bool, size int,
            label_decisions jsonb, invalid_prediction bool, field_confidences jsonb, hex text, body json)
    ), claimed AS ({INSERT_IDS.format(source="element")}
    ), stored AS (
        INSERT INTO escalation_output
            (id, stream_id, schema_number, received_at, state, attempts, {COLUMNS})
        SELECT output_id, %(stream)s, %(schema)s, {RECEIVED_AT_SQL}, 'received', 0, {COLUMNS}
        FROM element JOIN claimed USING (external_id)
    ), filled AS (
        INSERT INTO escalation_payload (output_id, body)
        SELECT output_id, body FROM element JOIN claimed USING (external_id)
    ), told AS ({log.build_event_insert(verb=RECEIVED_VERB, object_type="output", ids="SELECT output_id FROM claimed")}
    ) SELECT external_id, output_id FROM claimed
"""

# The ids of many outputs, from two arrays.
INSERT_MANY_IDS = INSERT_IDS.format(source="unnest(%(ids)s::text[], %(digests)s::bytea[]) AS t (external_id, digest)")

# Many outputs at once.
COPY_OUTPUTS = (
    f"COPY escalation_output (id, stream_id, schema_number, received_at, state, attempts, {COLUMNS}) FROM STDIN"
)

# Their payloads.
COPY_PAYLOADS = "COPY escalation_payload (output_id, body) FROM STDIN"

# The outputs that have these external ids; by its key.
SELECT_EXISTING = """
    SELECT external_id, output_id, digest FROM escalation_externalid
    WHERE stream_id = %s AND external_id = ANY(%s)
"""
