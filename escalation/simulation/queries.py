"""The statements of counts by day and of replays."""

from __future__ import annotations

from escalation.routing import audits

# The days of the outputs received or settled since the last count.
TOUCHED_DAYS = """
    SELECT DISTINCT ((to_timestamp((o.id >> 20) / 1000.0)) AT TIME ZONE %(zone)s)::date FROM (
        SELECT id FROM escalation_output WHERE stream_id = %(stream)s AND id >= %(first)s
        UNION ALL
        SELECT output_id FROM escalation_outcome WHERE stream_id = %(stream)s AND settled_at >= %(since)s
    ) AS o
"""

# Count one day anew; a day of a stream is a range of ids.
COUNT_DAY = f"""
    INSERT INTO escalation_outputcount (stream_id, day, model, model_version, schema_number, shadow, predicted, segment,
        ruled, bin, p, settled, outputs, drawn, judged, wrong, wrong_value)
    SELECT %(stream)s, %(day)s, o.model, o.model_version, o.schema_number, o.shadow, o.predicted, {{segment}},
        {audits.IS_CAUGHT_BY_RULE},
        CASE WHEN {audits.HAS_CONFIDENCE} THEN width_bucket(o.confidence, %(edges)s::float8[]) - 1 ELSE -1 END, r.p,
        CASE WHEN {audits.IS_ANSWERED_AUDIT} AND e.wrong THEN e.settled ELSE '' END,
        count(*), count(*) FILTER (WHERE {audits.IS_AUDIT}), count(*) FILTER (WHERE {audits.IS_ANSWERED_AUDIT}),
        count(*) FILTER (WHERE {audits.IS_ANSWERED_AUDIT} AND e.wrong),
        COALESCE(sum(GREATEST(o.value, 0)) FILTER (WHERE {audits.IS_ANSWERED_AUDIT} AND e.wrong), 0)
    FROM escalation_output o
    JOIN escalation_route r ON r.output_id = o.id
    LEFT JOIN escalation_outcome e ON e.output_id = o.id
    WHERE o.stream_id = %(stream)s AND o.id >= %(first)s AND o.id < %(last)s
    GROUP BY 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
"""

# The counts of some days, added up; by the index on stream and day.
CELLS = """
    SELECT predicted, segment, ruled, bin, p, settled, sum(outputs)::bigint, sum(drawn)::bigint, sum(judged)::bigint,
        sum(wrong)::bigint, sum(wrong_value)
    FROM escalation_outputcount
    WHERE stream_id = %(stream)s AND day >= %(since)s AND day <= %(until)s AND model = %(model)s
      AND model_version = %(model_version)s AND schema_number = %(schema_number)s AND NOT shadow
    GROUP BY 1, 2, 3, 4, 5, 6
"""

# What changes with every count of one of these days.
COUNTS_VERSION = """
    SELECT COALESCE(string_agg(day || ' ' || xmin || ' ' || ctid, ',' ORDER BY day), '')
    FROM escalation_countedday WHERE stream_id = %(stream)s AND day >= %(since)s AND day <= %(until)s
"""

# Without outputs that a stop sent to review or that failed routing: no policy decided about these.
ROUTED_OUTPUTS = f"""
    SELECT o.confidence, o.predicted, o.value, COALESCE(o.segment, '{{}}'::jsonb)::text, o.model_version, r.u, r.p,
        r.released, e.wrong, o.label_decisions::text, o.invalid_prediction, o.schema_number, o.external_id,
        o.field_confidences::text, o.id, COALESCE({audits.IS_ANSWERED_AUDIT}, false), COALESCE(e.settled, ''),
        e.part_errors::text
    FROM escalation_output o
    JOIN escalation_route r ON r.output_id = o.id
    LEFT JOIN escalation_outcome e ON e.output_id = o.id
    WHERE o.stream_id = %(stream)s AND o.id >= %(first)s AND o.id < %(last)s AND r.policy_id IS NOT NULL
      AND r.stop_id IS NULL AND r.reason NOT IN ('stopped', 'dispatch_failed')
    ORDER BY o.id
"""

# The first of the latest %(most)s outputs, and the one before it if there is one.
FIRST_OF_LATEST = """
    SELECT id FROM escalation_output WHERE stream_id = %(stream)s AND id >= %(first)s AND id < %(last)s
    ORDER BY id DESC OFFSET %(most)s - 1 LIMIT 2
"""
