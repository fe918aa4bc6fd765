"""The statements of guarantees: samples, populations and watches.

Names in braces are parts of `guarantees.units.Units`, whose `fill` completes a statement.
"""

from __future__ import annotations

from escalation.routing import audits

# The next audits above a guarantee's threshold after the ones that were counted; by the index on stream and id.
NEXT_AUDITS = f"""
    SELECT o.id, {{is_wrong}}, e.blind, o.received_at, {audits.IS_TAKEN_BACK}
    FROM escalation_output o
    JOIN escalation_route r ON r.output_id = o.id
    LEFT JOIN escalation_outcome e ON e.output_id = o.id
    {{source}}
    WHERE o.stream_id = %(stream)s AND o.id > %(seen)s AND o.model = %(model)s AND o.model_version = %(model_version)s
      AND o.schema_number = %(schema_number)s AND {{confidence}} >= %(threshold)s
      AND {audits.IS_LIVE} AND {{is_drawn}} AND {{is_counted}} AND {{in_group}}
    ORDER BY o.id LIMIT %(most)s
"""

# How many units of a window and group lie in each bin of the grid; no label is read.
HISTOGRAM = f"""
    SELECT {{name}}, CASE WHEN {{is_automatable}} THEN width_bucket({{confidence}}, %(edges)s::float8[]) - 1
        ELSE -1 END, count(*)
    FROM escalation_output o JOIN escalation_route r ON r.output_id = o.id
    {{source}}
    WHERE o.stream_id = %(stream)s AND o.id >= %(first)s AND o.id < %(last)s AND o.model = %(model)s
      AND o.model_version = %(model_version)s AND o.schema_number = %(schema_number)s AND {audits.IS_LIVE}
    GROUP BY 1, 2
"""

# How many units of a population that were not drawn lie in each bin of the grid, per group; no label is read.
UNLABELLED = f"""
    SELECT {{name}}, width_bucket({{confidence}}, %(edges)s::float8[]) - 1, count(*)
    FROM escalation_output o JOIN escalation_route r ON r.output_id = o.id
    {{source}}
    WHERE o.stream_id = %(stream)s AND o.id >= %(first)s AND o.id < %(last)s AND o.model = %(model)s
      AND o.model_version = %(model_version)s AND o.schema_number = %(schema_number)s AND {audits.IS_LIVE}
      AND {{is_automatable}} AND NOT {{is_drawn}}
    GROUP BY 1, 2
"""

# The populations of each stream's latest live outputs, under the latest answers first; by the index on stream and id,
# backwards.
RECENT_POPULATIONS = """
    SELECT s.id, o.model, o.model_version, o.schema_number, count(*)
    FROM unnest(%(streams)s::bigint[]) AS s (id)
    CROSS JOIN LATERAL (
        SELECT h.id, model, model_version, schema_number
        FROM escalation_output h LEFT JOIN escalation_route r ON r.output_id = h.id
        WHERE h.stream_id = s.id AND NOT h.shadow AND r.reason IS DISTINCT FROM 'unknown_model_version'
        ORDER BY h.id DESC LIMIT %(most)s
    ) o
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 4 DESC, 5 DESC, max(o.id) DESC
"""

# The live outputs of each population since a day; by the counts of days, which include untrusted versions.
COUNTED_POPULATIONS = """
    SELECT model, model_version, schema_number, sum(outputs)::bigint
    FROM escalation_outputcount WHERE stream_id = %(stream)s AND day >= %(since)s AND NOT shadow
    GROUP BY 1, 2, 3
"""

# The window begins after the population's last output that could not have been drawn or was routed by other rules, and
# after its last alarm. So the rules that caught outputs in it are those of today, and nobody can choose by the labels
# which of them count: another rule begins another window.
WINDOW = f"""
    WITH line AS MATERIALIZED (
        SELECT o.id, r.p, r.policy_id FROM escalation_output o JOIN escalation_route r ON r.output_id = o.id
        WHERE o.stream_id = %(stream)s AND o.id >= %(first)s AND o.model = %(model)s
          AND o.model_version = %(version)s AND o.schema_number = %(schema)s
          AND {audits.IS_LIVE}
    )
    SELECT min(id), max(id) + 1, min(p) FROM line
    WHERE id > GREATEST(%(alarm)s, (
        SELECT max(id) FROM line WHERE p = 0 OR policy_id IS NULL OR NOT policy_id = ANY(%(policies)s)
    ))
"""

# Since an id, the audit rates and last ids of the same outputs by policy; with and without the latest ones, of which
# others may still be routed.
WINDOW_SINCE = f"""
    SELECT r.policy_id, max(o.id), min(r.p),
        max(o.id) FILTER (WHERE o.id < %(unsettled)s), min(r.p) FILTER (WHERE o.id < %(unsettled)s)
    FROM escalation_output o JOIN escalation_route r ON r.output_id = o.id
    WHERE o.stream_id = %(stream)s AND o.id > %(seen)s AND o.model = %(model)s AND o.model_version = %(version)s
      AND o.schema_number = %(schema)s AND {audits.IS_LIVE}
    GROUP BY 1
"""

# The oldest output that is not routed yet, of any stream; by the partial index.
FIRST_UNROUTED = "SELECT min(id) FROM escalation_output WHERE state = 'received'"

# The first audit whose answer may still come; by the index on stream and id.
FIRST_PENDING = f"""
    SELECT o.id FROM escalation_output o
    JOIN escalation_route r ON r.output_id = o.id
    LEFT JOIN escalation_outcome e ON e.output_id = o.id
    {{source}}
    WHERE o.stream_id = %(stream)s AND o.id >= %(first)s AND o.id < %(last)s AND o.model = %(model)s
      AND o.model_version = %(version)s AND o.schema_number = %(schema)s AND e.output_id IS NULL
      AND o.received_at > %(due)s AND NOT {audits.IS_TAKEN_BACK}
      AND {audits.IS_LIVE} AND {{is_drawn}} AND {{is_counted}}
    ORDER BY o.id LIMIT 1
"""

# All that were drawn and that a guarantee counts.
SAMPLE = f"""
    SELECT o.id, width_bucket({{confidence}}, %(edges)s::float8[]) - 1, {{name}}, {{wrong}}, e.blind, o.received_at,
        {audits.IS_TAKEN_BACK}
    FROM escalation_output o
    JOIN escalation_route r ON r.output_id = o.id
    LEFT JOIN escalation_outcome e ON e.output_id = o.id
    {{source}}
    WHERE o.stream_id = %(stream)s AND o.id >= %(first)s AND o.id < %(last)s AND o.model = %(model)s
      AND o.model_version = %(version)s AND o.schema_number = %(schema)s
      AND {audits.IS_LIVE} AND {{is_drawn}} AND {{is_counted}}
    ORDER BY o.id, {{name}}
"""

# How many audits arrived recently, and since when: a forecast by the rates of the time.
RECENT_AUDITS = f"""
    SELECT count(*) FILTER (WHERE {{is_drawn}} AND {{is_counted}}), min(o.received_at)
    FROM escalation_output o
    JOIN escalation_route r ON r.output_id = o.id
    {{source}}
    WHERE o.stream_id = %(stream)s AND o.id >= %(first)s AND o.model = %(model)s AND o.model_version = %(version)s
      AND o.schema_number = %(schema)s AND {audits.IS_LIVE}
"""
