"""Simulates other thresholds and policies on stored traffic."""
