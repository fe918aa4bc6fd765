"""Guarantees: error targets, evaluations that certify thresholds, and the watch over them afterwards."""
