"""Reviewer recall: the share of the AI's errors that reviewers catch, measured by test items."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q

from escalation import statistics
from escalation.models import ErrorTarget, Payload, Stream, TestItem, output_id
from escalation.test_items import queries
from reviewqueue.kernel import sql

MIN_SETTLED_TEST_ITEMS = 20  # with fewer settled test items, recall is unknown


@dataclass(frozen=True, slots=True)
class ReviewerRecall:
    """`caught` of `shown` test items; `low` is a lower bound of the true share.

    uploaded: how many of those shown were not made from past errors but chosen by a manager.
    """

    shown: int
    caught: int
    low: float
    uploaded: int = 0


@dataclass(frozen=True, slots=True)
class TestItemProgress:
    """How many of the test items that a guarantee needs are there.

    settled: answered, and count; caught: those whose error was corrected. at_desk: in the queue. waiting: mixed in, and
    arrive one by one while reviewers work.
    past_errors: errors that are to become test items, as far as they are needed.
    """

    __test__ = False  # pytest: despite its name, this is not a test class

    settled: int
    caught: int
    at_desk: int
    waiting: int
    past_errors: int
    needed: int = MIN_SETTLED_TEST_ITEMS

    @property
    def are_enough(self) -> bool:
        return self.settled >= self.needed

    @property
    def missing(self) -> int:
        """How many are needed beyond those that are there or will be made by themselves."""
        return max(0, self.needed - self.settled - self.at_desk - self.waiting - self.past_errors)


def measure_recall(stream: Stream, *, target: ErrorTarget | None, delta: float) -> ReviewerRecall | None:
    """The recall since the error target was set, with a lower bound; None with too few test items.

    However often it is read, with however many test items, the bound is ever false with probability <= delta: the
    moment from which they count was fixed before the first of them arrived, and none ever leaves the count.
    """
    settled, caught, uploaded = _count_settled(stream, target)
    if settled < MIN_SETTLED_TEST_ITEMS:
        return None
    return bound_recall(settled, caught, delta=delta, uploaded=uploaded)


def bound_recall(shown: int, caught: int, *, delta: float, uploaded: int = 0) -> ReviewerRecall:
    """Recall with its lower bound, by a confidence sequence of what reviewers miss."""
    # Only the upper end of what they miss is used, so both sides' shares of delta go to it.
    range_missed = statistics.compute_confidence_sequence(shown, [shown - caught], [1.0], min(2 * delta, 0.999))
    return ReviewerRecall(shown, caught, max(0.0, 1 - range_missed.high), uploaded)


def presume_recall(*, delta: float) -> ReviewerRecall:
    """The recall once the fewest test items are answered, if all of them are caught."""
    return bound_recall(MIN_SETTLED_TEST_ITEMS, MIN_SETTLED_TEST_ITEMS, delta=delta)


def count_test_items(stream: Stream, *, target: ErrorTarget | None) -> TestItemProgress:
    """The progress towards a measured recall; counts at most as many past errors as are needed."""
    settled, caught, _ = _count_settled(stream, target)
    # A test item has its payload here until it arrives in the queue.
    opened = (
        TestItem.objects.filter(stream=stream, settled_at=None, schema_number=stream.schema_number)
        .annotate(is_waiting=Exists(Payload.objects.filter(pk=OuterRef("pk"))))
        .aggregate(all=Count("pk"), waiting=Count("pk", filter=Q(is_waiting=True)))
    )
    needed = MIN_SETTLED_TEST_ITEMS - settled - opened["all"]
    limits = {"stream": stream.pk, "schema": stream.schema_number, "limit": needed}
    return TestItemProgress(
        settled=settled,
        caught=caught,
        at_desk=opened["all"] - opened["waiting"],
        waiting=opened["waiting"],
        past_errors=int(sql.fetch_value(queries.COUNT_PAST_ERRORS, limits)) if needed > 0 else 0,
    )


def _count_settled(stream: Stream, target: ErrorTarget | None) -> tuple[int, int, int]:
    """How many test items count, how many of them were caught, and how many were uploaded.

    They were answered blind and could be judged, with the stream's current answers, and arrived since the target;
    without a target, at any time.
    """
    counted = TestItem.objects.filter(
        stream=stream,
        schema_number=stream.schema_number,
        caught__isnull=False,
        pk__gte=output_id.first_id_at(target.set_at) if target else 0,
    ).aggregate(
        settled=Count("pk"), caught=Count("pk", filter=Q(caught=True)), uploaded=Count("pk", filter=Q(copy_of=None))
    )
    return counted["settled"], counted["caught"], counted["uploaded"]
