"""Reviewer recall: the share of the AI's errors that reviewers catch, measured by test items."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from escalation import statistics
from escalation.models import Stream, TestItem
from reviewqueue.kernel import clock

MIN_SETTLED_TEST_ITEMS = 20  # with fewer settled test items, recall is unknown
RECALL_WINDOW = timedelta(days=180)  # older results are ignored: reviewers change, and so do the model's errors


@dataclass(frozen=True, slots=True)
class ReviewerRecall:
    """`caught` of `shown` test items; `low` is a lower bound of the true share."""

    shown: int
    caught: int
    low: float


def measure_recall(stream: Stream, *, delta: float, now: datetime | None = None) -> ReviewerRecall | None:
    """The recall so far, with a lower bound; None with too few test items.

    However often it is read, with however many test items, the bound is ever false with probability <= delta.
    """
    counted = filter_countable_items(stream, now=now).aggregate(
        shown=Count("pk"), caught=Count("pk", filter=Q(caught=True))
    )
    if counted["shown"] < MIN_SETTLED_TEST_ITEMS:
        return None
    missed = counted["shown"] - counted["caught"]
    # Only the upper end of what they miss is used, so both sides' shares of delta go to it.
    range_missed = statistics.compute_confidence_sequence(counted["shown"], [missed], [1.0], min(2 * delta, 0.999))
    return ReviewerRecall(counted["shown"], counted["caught"], max(0.0, 1 - range_missed.high))


def filter_countable_items(stream: Stream, *, now: datetime | None = None) -> QuerySet[TestItem]:
    """The test items that count: recently settled, not unjudgeable, and with the stream's current answers."""
    since = clock.current_time(now) - RECALL_WINDOW
    return TestItem.objects.filter(
        stream=stream, schema_number=stream.schema_number, caught__isnull=False, settled_at__gte=since
    )
