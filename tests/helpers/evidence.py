"""What the sample of an evaluation counts."""

from __future__ import annotations

from datetime import datetime

from escalation.guarantees import counting, sample
from escalation.guarantees.counting import SampleWindow
from escalation.guarantees.counts import EvidenceCounts
from escalation.guarantees.population import Population
from escalation.guarantees.sample import EvaluationSample
from escalation.models import ErrorTarget


def draw_sample(target: ErrorTarget, covered: Population, window: SampleWindow, *, now: datetime) -> EvaluationSample:
    """The sample of a window, of which nothing was counted before."""
    begun = counting.begin_progress(
        window, EvidenceCounts(first=450), conditions="", unsettled=counting.find_first_unsettled(now)
    )
    return sample.draw_sample(target, covered, window, progress=begun, due_days=14, now=now)


def count_errors(sample: EvaluationSample) -> int:
    """The errors of all groups."""
    return sum(int(group.errors.sum()) for group in sample.counts.groups.values())
