"""Template libraries of escalation."""
