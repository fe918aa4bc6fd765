"""Guarantees: error targets, evaluations that certify thresholds, and watches that detect drift."""
