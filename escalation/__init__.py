"""The escalation (model) side: receives outputs, routes them to automation or review, publishes decisions, reports."""
