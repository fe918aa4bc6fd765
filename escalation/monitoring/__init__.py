"""Heartbeats of the processes, and invariant checks in SQL."""
