"""Submitting verdicts, settling them by majority or final say, and the labels that follow."""
