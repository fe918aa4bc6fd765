"""The statements of reports and the overview."""

from __future__ import annotations

from escalation.routing import audits

# Many rows make few groups, which the planner cannot know: it would sort all rows on disk, at half the speed.
PREFER_HASHING = "SELECT set_config('work_mem', '64MB', true), set_config('enable_sort', 'off', true)"

_DRAWN_FIELDS = "jsonb_array_elements_text(r.parts -> 'audited') AS f (field)"

# The model's value of a field stood before any review: with the whole output, or while reviewers were asked for others.
_IS_AUTOMATED_FIELD = """(r.released OR r.parts IS NOT NULL
    AND NOT jsonb_exists(r.parts -> 'asked', f.field) AND NOT jsonb_exists(r.parts -> 'audited', f.field))"""

# Outputs of a window that are alike, counted; a window of a stream is a range of ids. A wrong part has a + before it if
# it is a label that was predicted, otherwise a -.
TALLIES = f"""
    SELECT ({{moment}} AT TIME ZONE %(zone)s)::date, o.model, o.model_version, o.predicted, {{segment}}, o.shadow,
           r.output_id IS NOT NULL, r.policy_id, COALESCE(r.reason, ''), COALESCE(r.eligible, false),
           COALESCE(r.released, false), COALESCE(r.audit, ''), COALESCE(r.pi, 1), e.output_id IS NOT NULL, e.wrong,
           CASE WHEN e.wrong THEN e.settled ELSE '' END,
           CASE WHEN %(by_part)s AND e.wrong THEN ARRAY(
               SELECT CASE WHEN jsonb_exists(o.label_decisions -> 'predicted', part) THEN '+' ELSE '-' END || part
               FROM jsonb_each(e.part_errors) AS part (part, wrong) WHERE wrong = 'true' ORDER BY 1)
           ELSE '{{{{}}}}'::text[] END,
           COALESCE({audits.IS_ELIGIBLE_AUDIT}, false), COALESCE({audits.IS_ANSWERED_ELIGIBLE_AUDIT}, false),
           COALESCE({audits.IS_TAKEN_BACK_AUDIT}, false),
           CASE WHEN %(by_part)s AND r.parts IS NOT NULL THEN r.p END,
           CASE WHEN %(by_part)s AND e.wrong AND r.parts IS NOT NULL THEN ARRAY(
               SELECT f.field FROM {_DRAWN_FIELDS}
               WHERE {audits.IS_ANSWERED_FIELD_AUDIT} AND (e.part_errors ->> f.field)::boolean ORDER BY 1)
           ELSE '{{{{}}}}'::text[] END,
           count(*), COALESCE(sum(e.reviews), 0)::bigint, COALESCE(sum(GREATEST(o.value, 0)), 0),
           COALESCE(sum(CASE WHEN %(by_part)s AND r.parts IS NOT NULL THEN (
               SELECT count(*) FROM jsonb_object_keys(o.field_confidences) AS f (field) WHERE {_IS_AUTOMATED_FIELD})
           END), 0)::bigint,
           COALESCE(sum(CASE WHEN %(by_part)s AND e.blind AND r.parts IS NOT NULL THEN (
               SELECT count(*) FROM {_DRAWN_FIELDS} WHERE {audits.IS_ANSWERED_FIELD_AUDIT})
           END), 0)::bigint,
           COALESCE(sum(CASE WHEN %(by_part)s AND r.parts IS NOT NULL AND {audits.IS_TAKEN_BACK} THEN (
               SELECT count(*) FROM {_DRAWN_FIELDS} WHERE {audits.IS_FIELD_AUDIT})
           END), 0)::bigint
    FROM escalation_output o
    LEFT JOIN escalation_route r ON r.output_id = o.id
    LEFT JOIN escalation_outcome e ON e.output_id = o.id
    WHERE o.stream_id = %(stream)s AND o.id >= %(first)s AND o.id < %(last)s {{within}}
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22
"""

# The fields of the outputs of a window, counted by audit rate.
FIELD_TALLIES = f"""
    SELECT f.field, r.p, count(*),
           count(*) FILTER (WHERE {_IS_AUTOMATED_FIELD}),
           count(*) FILTER (WHERE {audits.IS_FIELD_AUDIT}),
           count(*) FILTER (WHERE {audits.IS_ANSWERED_FIELD_AUDIT}),
           count(*) FILTER (WHERE {audits.IS_ANSWERED_FIELD_AUDIT} AND (e.part_errors ->> f.field)::boolean),
           count(*) FILTER (WHERE {audits.IS_FIELD_AUDIT} AND {audits.IS_TAKEN_BACK})
    FROM escalation_output o
    JOIN escalation_route r ON r.output_id = o.id
    LEFT JOIN escalation_outcome e ON e.output_id = o.id
    CROSS JOIN LATERAL jsonb_object_keys(o.field_confidences) AS f (field)
    WHERE o.stream_id = %(stream)s AND o.id >= %(first)s AND o.id < %(last)s AND {audits.IS_LIVE} {{within}}
    GROUP BY 1, 2
"""

# The audits of sets of labels in a window, and how many of them will never tell which labels are wrong.
AUDITED_SETS = f"""
    SELECT o.schema_number, r.pi, count(*),
           count(*) FILTER (WHERE {audits.IS_TAKEN_BACK} OR e.blind AND e.part_errors = '{{{{}}}}'::jsonb)
    FROM escalation_output o
    JOIN escalation_route r ON r.output_id = o.id
    LEFT JOIN escalation_outcome e ON e.output_id = o.id
    WHERE o.stream_id = %(stream)s AND o.id >= %(first)s AND o.id < %(last)s
      AND {audits.IS_LIVE} AND {audits.IS_ELIGIBLE_AUDIT} AND o.label_decisions IS NOT NULL {{within}}
    GROUP BY 1, 2
"""

# What reviewers said of each label in the answered audits of a window. A wrong label that was predicted is invented.
LABEL_TALLIES = f"""
    SELECT o.schema_number, l.label, r.pi, count(*),
           count(*) FILTER (WHERE (l.wrong = 'true') <> jsonb_exists(o.label_decisions -> 'predicted', l.label)),
           count(*) FILTER (WHERE l.wrong = 'true' AND NOT jsonb_exists(o.label_decisions -> 'predicted', l.label)),
           count(*) FILTER (WHERE l.wrong = 'true' AND jsonb_exists(o.label_decisions -> 'predicted', l.label))
    FROM escalation_output o
    JOIN escalation_route r ON r.output_id = o.id
    JOIN escalation_outcome e ON e.output_id = o.id
    CROSS JOIN LATERAL jsonb_each(e.part_errors) AS l (label, wrong)
    WHERE o.stream_id = %(stream)s AND o.id >= %(first)s AND o.id < %(last)s
      AND {audits.IS_LIVE} AND {audits.IS_ANSWERED_ELIGIBLE_AUDIT} AND o.label_decisions IS NOT NULL {{within}}
    GROUP BY 1, 2, 3
"""

# The answered audits of several streams by inclusion probability, and those that were taken back before; the latter by
# the partial index of outputs taken back, since only few outputs are.
AUDIT_COUNTS = f"""
    SELECT o.stream_id, r.pi, count(*), count(*) FILTER (WHERE e.wrong), 0
    FROM escalation_output o
    JOIN escalation_route r ON r.output_id = o.id
    JOIN escalation_outcome e ON e.output_id = o.id
    WHERE o.stream_id = ANY(%(streams)s) AND o.id >= %(first)s AND o.id < %(last)s
      AND {audits.IS_LIVE} AND {audits.IS_ANSWERED_ELIGIBLE_AUDIT}
    GROUP BY 1, 2
    UNION ALL
    SELECT o.stream_id, r.pi, 0, 0, count(*)
    FROM escalation_output o
    JOIN escalation_route r ON r.output_id = o.id
    LEFT JOIN escalation_outcome e ON e.output_id = o.id
    WHERE o.stream_id = ANY(%(streams)s) AND o.id >= %(first)s AND o.id < %(last)s
      AND {audits.IS_LIVE} AND {audits.IS_TAKEN_BACK_AUDIT}
    GROUP BY 1, 2
"""

# How many outputs people decided on each day; by the index on stream and `settled_at`.
SETTLED_PER_DAY = """
    SELECT (e.settled_at AT TIME ZONE %(zone)s)::date, count(*)
    FROM escalation_outcome e
    WHERE e.stream_id = %(stream)s AND e.settled_at >= %(from)s AND e.settled_at < %(to)s
    GROUP BY 1
"""

# How long the outputs waited that people decided in a window.
DECISION_TIMES = """
    SELECT count(*), percentile_cont(ARRAY[0.5, 0.9, 0.95]) WITHIN GROUP (
        ORDER BY extract(epoch FROM e.settled_at - o.received_at))
    FROM escalation_outcome e
    JOIN escalation_output o ON o.id = e.output_id
    JOIN escalation_route r ON r.output_id = e.output_id
    WHERE e.stream_id = %(stream)s AND e.settled_at >= %(from)s AND e.settled_at < %(to)s
      AND NOT r.released AND e.round = 1
"""

# Today's counts of several streams, each by an index on stream and id or `settled_at`.
COUNT_TODAY = """
    SELECT s.id,
        (SELECT count(*) FROM escalation_output o
         WHERE o.stream_id = s.id AND o.id >= %(first)s AND o.id < %(last)s) AS arrived,
        (SELECT count(*) FROM escalation_outcome e
         WHERE e.stream_id = s.id AND e.settled_at >= %(from)s AND e.settled_at < %(to)s) AS completed,
        COALESCE(d.overdue, 0) AS overdue
    FROM unnest(%(streams)s::bigint[]) AS s (id)
    LEFT JOIN (
        SELECT stream_id, count(*) AS overdue FROM escalation_output
        WHERE state = 'in_review' AND due_at <= %(now)s GROUP BY stream_id
    ) d ON d.stream_id = s.id
"""
