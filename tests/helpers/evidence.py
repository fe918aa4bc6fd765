"""What the sample of an evaluation counts."""

from __future__ import annotations

from escalation.guarantees.sample import EvaluationSample


def count_errors(sample: EvaluationSample) -> int:
    """The errors of all groups."""
    return sum(int(group.errors.sum()) for group in sample.counts.groups.values())
