"""How many of the AI's mistakes reviewers catch, as measured by test items with known answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from escalation import statistics
from escalation.models import Stream, TestItem
from reviewqueue.kernel import clock

MIN_SETTLED_TEST_ITEMS = 20  # settled test items below which nothing is said about what reviewers miss
RECALL_WINDOW = timedelta(days=180)  # people change, and so do the ways in which the model is wrong


@dataclass(frozen=True, slots=True)
class ReviewerRecall:
    """`caught` of `shown` test items that contain a mistake; `low` is a lower bound of the share in general."""

    shown: int
    caught: int
    low: float


def measure_recall(stream: Stream, *, delta: float, now: datetime | None = None) -> ReviewerRecall | None:
    """What test items say so far, its lower bound false with probability <= delta; None where they are too few."""
    counted = filter_countable_items(stream, now=now).aggregate(
        shown=Count("pk"), caught=Count("pk", filter=Q(caught=True))
    )
    if counted["shown"] < MIN_SETTLED_TEST_ITEMS:
        return None
    return ReviewerRecall(
        counted["shown"], counted["caught"], statistics.compute_lower_bound(counted["caught"], counted["shown"], delta)
    )


def filter_countable_items(stream: Stream, *, now: datetime | None = None) -> QuerySet[TestItem]:
    """The test items that say something about today: with the answers that the stream has, settled of late."""
    since = clock.current_time(now) - RECALL_WINDOW
    return TestItem.objects.filter(
        stream=stream, schema_number=stream.schema_number, caught__isnull=False, settled_at__gte=since
    )
