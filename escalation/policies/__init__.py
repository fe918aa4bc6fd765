"""Versions of everything that decides, their approvals, and the one in effect."""
