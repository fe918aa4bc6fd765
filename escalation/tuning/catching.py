"""How many of the AI's mistakes reviewers catch, as measured by test items with known answers."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from escalation import estimators
from escalation.models import Stream, TestItem

LEAST = 20  # settled test items below which nothing is said about what reviewers miss


@dataclass(frozen=True, slots=True)
class Caught:
    """`caught` of `shown` test items that contain a mistake; `low` is a lower bound of the share in general."""

    shown: int
    caught: int
    low: float


def measured(stream: Stream, *, delta: float) -> Caught | None:
    """What test items say so far, its lower bound false with probability <= delta; None where they are too few."""
    settled = TestItem.objects.filter(stream=stream, caught__isnull=False)
    found = settled.aggregate(shown=Count("pk"), caught=Count("pk", filter=Q(caught=True)))
    if found["shown"] < LEAST:
        return None
    return Caught(found["shown"], found["caught"], estimators.lower_bound(found["caught"], found["shown"], delta))
