"""The statements of policies and audit rates."""

from __future__ import annotations

# How many outputs of one day were eligible, and how many were not.
COUNT_TRAFFIC = """
    SELECT count(*) FILTER (WHERE r.eligible), count(*) FILTER (WHERE NOT r.eligible)
    FROM escalation_output o JOIN escalation_route r ON r.output_id = o.id
    WHERE o.stream_id = %s AND o.id >= %s AND o.id < %s
"""

# The policy in effect of each stream; by the index of activations, latest first.
ACTIVE_POLICIES = """
    SELECT s.id, p.id, p.number, p.spec::text, a.id, p.schema_number
    FROM unnest(%s::bigint[]) AS s (id)
    CROSS JOIN LATERAL (
        SELECT id, policy_id FROM escalation_activation
        WHERE stream_id = s.id AND effective_at <= {at} ORDER BY effective_at DESC, id DESC LIMIT 1
    ) AS a
    JOIN escalation_policy p ON p.id = a.policy_id
"""
