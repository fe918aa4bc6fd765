"""Figures about reviews, one's own numbers, past decisions, and invariants of this side."""
