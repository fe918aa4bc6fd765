"""Decisions: settling, withdrawing, reopening, answering at the deadline, and the decisions feed."""
