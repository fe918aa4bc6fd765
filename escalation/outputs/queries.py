"""The statements that read outputs."""

from __future__ import annotations

# Outputs with their route, policy and latest decision.
STATUSES = """
    SELECT o.id, o.external_id, o.state, r.kind, r.reason, r.released, r.pi, p.number, d.answer::text, d.outcome, d.by,
           d.revision, d.decided_at, d.shadow
    FROM escalation_output o
    LEFT JOIN escalation_route r ON r.output_id = o.id
    LEFT JOIN escalation_policy p ON p.id = r.policy_id
    LEFT JOIN LATERAL (
        SELECT * FROM escalation_decision WHERE output_id = o.id ORDER BY revision DESC LIMIT 1
    ) d ON true
    WHERE o.id = ANY(%s)
"""
