"""Heartbeats of the processes, and invariants that are checked in SQL."""
