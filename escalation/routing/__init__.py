"""Routing: decides for each output whether it is automated or sent to review."""
