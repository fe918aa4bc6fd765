"""The statements of monitoring."""

from __future__ import annotations

# The age of the oldest output that waits to be routed; by the partial index of received outputs.
OLDEST_RECEIVED_SECONDS = """
    SELECT EXTRACT(epoch FROM clock_timestamp() - received_at) FROM escalation_output
    WHERE state = 'received' ORDER BY id LIMIT 1
"""
