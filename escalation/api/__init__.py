"""The escalation API: post outputs; read decisions, labels and reports."""
