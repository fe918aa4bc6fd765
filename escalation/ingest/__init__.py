"""Receiving outputs: parse, store exactly once, and wake the routing worker."""
