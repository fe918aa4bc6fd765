"""Shared helpers for every layer: clock, errors, SQL, JSON and number formats."""
