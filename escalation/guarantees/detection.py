"""What the watch over a guarantee is worth: how rarely it alarms falsely, and how soon it notices more errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from escalation import statistics
from escalation.guarantees import group_results, population, sample_size
from escalation.guarantees.guarantees import Guarantee
from escalation.models import ErrorTarget
from reviewqueue.kernel import clock

# The rise in errors that the page speaks of, as a multiple of what the guarantee allows.
RISE = 2


@dataclass(frozen=True, slots=True)
class DetectionOutlook:
    """How a guarantee is watched. All audits are those at or above its threshold, in each group by itself.

    false_alarm_audits: while no more errors happen than allowed, a false alarm comes on average after so many audits or
    more, and n audits bring one with a probability of at most n / false_alarm_audits. error_rate: twice the errors that
    are allowed; from such a change on it takes on average `audits` audits until the alarm, and `days` days at the rate
    of late. audits is None if it takes more than 20,000; days also if each group has a threshold of its own, or if
    there are no audits.
    """

    false_alarm_audits: int
    error_rate: float
    audits: int | None
    days: int | None


def build_detection_outlook(guarantee: Guarantee, *, now: datetime | None = None) -> DetectionOutlook:
    """How soon a guarantee's watch would notice that errors doubled, and how often it would do so falsely."""
    evaluation = guarantee.evaluation
    allowed = evaluation.max_error
    delay = statistics.estimate_detection_delay(allowed, risk=min(RISE * allowed, 1.0))
    audits = None if delay is None else math.ceil(delay)
    return DetectionOutlook(
        false_alarm_audits=int(statistics.ALARM_LEVEL),
        error_rate=min(RISE * evaluation.target.max_error, 1.0),
        audits=audits,
        days=None if audits is None else _estimate_days(guarantee, audits, clock.current_time(now)),
    )


def _estimate_days(guarantee: Guarantee, audits: int, now: datetime) -> int | None:
    """The days in which so many audits lie above the threshold: audits are drawn on both sides of it."""
    evaluation = guarantee.evaluation
    if evaluation.target.groups not in {ErrorTarget.Grouping.TOGETHER, ErrorTarget.Grouping.LABELS}:
        return None
    coverage = group_results.parse_group_results(evaluation)[0].coverage
    if not coverage:
        return None
    covered = population.evaluated_population(evaluation)
    return sample_size.estimate_collection_days(evaluation.target, covered, math.ceil(audits / coverage), now=now)
