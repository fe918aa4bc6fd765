"""The statements of the export of labels."""

from __future__ import annotations

from escalation.routing import audits

# Keyset pages, each its own short transaction: a long one would keep dead rows alive under the queue.
PAGE_QUERY = """
    SELECT o.id, e.label_id, o.external_id, o.state, o.model, o.model_version, o.schema_number,
           CASE WHEN o.state NOT IN ('withdrawn', 'erased') THEN p.body::text END, o.predicted, e.outcome,
           CASE WHEN o.state NOT IN ('withdrawn', 'erased') THEN e.answer END, o.confidence, r.pi, r.u, r.p, r.reason,
           r.threshold, v.number, e.round, e.wrong, e.overturned, e.blind, e.reviews, o.segment, o."group",
           o.value, o.occurred_at, o.received_at, e.settled_at, o.shadow,
           o.invalid_prediction, o.field_confidences, r.parts, e.part_errors, o.label_decisions -> 'confidences'
    {of}
    LEFT JOIN escalation_policy v ON v.id = r.policy_id
    WHERE {among}
    ORDER BY o.id LIMIT %(most)s
"""

# The next page of labels; by the key.
LABELS_PAGE = PAGE_QUERY.format(
    of="""
    FROM escalation_outcome e
    JOIN escalation_output o ON o.id = e.output_id
    JOIN escalation_payload p ON p.output_id = o.id
    JOIN escalation_route r ON r.output_id = o.id""",
    among="e.stream_id = %(stream)s AND e.output_id > %(after)s AND o.state = 'decided'",
)

# Also drawn outputs without a label, from which the counts of an evaluation follow: see `routing.audits`.
LABELS_AND_AUDITS_PAGE = PAGE_QUERY.format(
    of="""
    FROM escalation_output o
    JOIN escalation_route r ON r.output_id = o.id
    LEFT JOIN escalation_outcome e ON e.output_id = o.id
    LEFT JOIN escalation_payload p ON p.output_id = o.id""",
    among=f"""o.stream_id = %(stream)s AND o.id > %(after)s AND o.id <= %(until)s AND (
        e.output_id IS NOT NULL AND o.state = 'decided' OR {audits.IS_DRAWN} OR {audits.HAS_DRAWN_FIELD})""",
)

# Where the next so many outputs of a stream end; by the index on stream and id.
RANGE_END = """
    SELECT max(id) FROM (
        SELECT id FROM escalation_output WHERE stream_id = %(stream)s AND id > %(after)s ORDER BY id LIMIT %(most)s
    ) AS outputs
"""
