"""What reviewers catch: measured by test items, required for a guarantee, valid however often it is read."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from escalation.guarantees import describe, evaluations, group_results, preparation, targets
from escalation.models import Payload, Stream, TestItem
from escalation.test_items import recall
from escalation.test_items.recall import MIN_SETTLED_TEST_ITEMS
from reviewqueue.models import Queue
from tests.escalation.guarantees.test_evaluations import honest
from tests.helpers import measured_recall, stream_history, traffic
from tests.helpers.traffic import NOON

LATER = NOON + timedelta(days=11)
DELTA = 0.05


@pytest.fixture
def stream(queue: Queue) -> Stream:
    return traffic.apply_stream(policy={"threshold": 0.8, "audit": {"rate": 0.5, "mode": "after"}})


def _set_target(stream: Stream) -> None:
    targets.set_error_target(stream=stream, max_error=0.05, declared_audits=450, actor="user:mara", now=NOON)


def _refusal(stream: Stream) -> preparation.EvaluationRefused:
    with pytest.raises(preparation.EvaluationRefused) as refused:
        evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    return refused.value


def test_without_twenty_settled_test_items_no_guarantee_is_given(stream: Stream) -> None:
    stream_history.write_history(stream, *honest(3000))
    _set_target(stream)
    measured_recall.settle_test_items(stream, shown=MIN_SETTLED_TEST_ITEMS - 1)
    refused = _refusal(stream)
    assert refused.reason == "too_few_test_items"
    assert (refused.params["settled"], refused.params["needed"]) == (19, 20)
    assert evaluations.record_progress(stream, now=LATER) is None
    measured_recall.settle_test_items(stream, shown=1, at=NOON + timedelta(hours=1))
    evaluation = evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    assert evaluation.reviewer_recall
    assert (evaluation.reviewer_recall["shown"], evaluation.reviewer_recall["caught"]) == (20, 20)


def test_the_refusal_says_how_many_test_items_are_at_the_desk_waiting_and_missing(stream: Stream) -> None:
    _set_target(stream)
    measured_recall.settle_test_items(stream, shown=8)
    for number in range(5):
        TestItem.objects.create(
            pk=number + 1, stream=stream, answer="billing", prediction="refund", schema_number=1, added_by="user:mara",
            added_at=NOON,
        )  # fmt: skip
    Payload.objects.bulk_create(Payload(pk=number + 1, body={}) for number in range(2))
    target = targets.find_error_target(stream)
    progress = recall.count_test_items(stream, target=target)
    assert (progress.settled, progress.at_desk, progress.waiting, progress.past_errors) == (8, 3, 2, 0)
    assert progress.missing == 7
    stream_history.write_history(stream, *honest(3000))
    told = describe.describe_refusal("too_few_test_items", _refusal(stream).params)
    assert "8 of the 20 test items" in told
    assert "In the queue: 3. Mixed in one by one as reviewers work: 2." in told


def test_missed_test_items_lower_the_target(stream: Stream) -> None:
    stream_history.write_history(stream, *honest(3000))
    _set_target(stream)
    measured_recall.settle_test_items(stream, caught=80, shown=100)
    prepared = preparation.prepare_evaluation(stream, now=LATER)
    assert (prepared.recall.shown, prepared.recall.caught) == (100, 80)
    assert 0.6 < prepared.recall.low < 0.8
    assert prepared.max_error == pytest.approx(0.05 * prepared.recall.low)


def test_an_evaluation_keeps_the_threshold_with_and_without_what_reviewers_miss(stream: Stream) -> None:
    stream_history.write_history(stream, *honest(6000))
    _set_target(stream)
    measured_recall.settle_test_items(stream, caught=70, shown=100)
    (group,) = group_results.parse_group_results(evaluations.run_evaluation(stream, by="user:mara", now=LATER))
    assert group.threshold is not None
    assert group.threshold_if_none_missed is not None
    assert group.threshold_if_none_missed < group.threshold


def test_an_evaluation_is_refused_if_reviewers_catch_no_test_item(stream: Stream) -> None:
    stream_history.write_history(stream, *honest(3000))
    _set_target(stream)
    measured_recall.settle_test_items(stream, caught=0, shown=MIN_SETTLED_TEST_ITEMS)
    assert _refusal(stream).reason == "none_caught"


def test_test_items_from_before_the_target_or_with_other_answers_do_not_count(stream: Stream) -> None:
    _set_target(stream)
    measured_recall.settle_test_items(stream, shown=30, at=NOON - timedelta(minutes=1))
    measured_recall.settle_test_items(stream, shown=30, at=NOON + timedelta(minutes=1))
    TestItem.objects.filter(pk__in=TestItem.objects.order_by("-pk")[:5]).update(schema_number=2)
    target = targets.find_error_target(stream)
    measured = recall.measure_recall(stream, target=target, delta=DELTA)
    assert measured
    assert measured.shown == 25


def test_no_test_item_ever_leaves_the_count(stream: Stream) -> None:
    """A bound over a sliding window could be read in its luckiest moment."""
    _set_target(stream)
    measured_recall.settle_test_items(stream, caught=0, shown=30)
    measured_recall.settle_test_items(stream, caught=30, shown=30, at=NOON + timedelta(days=400))
    measured = recall.measure_recall(stream, target=targets.find_error_target(stream), delta=DELTA)
    assert measured
    assert (measured.caught, measured.shown) == (30, 60)


@pytest.mark.parametrize("truth", [0.6, 0.9])
def test_the_bound_holds_at_all_readings_together(truth: float) -> None:
    """Read after each of 400 test items, it is ever false with a probability of at most delta."""
    streams, most = 400, 400
    caught = np.cumsum(np.random.default_rng(7).random((streams, most)) < truth, axis=1)
    shown = np.arange(MIN_SETTLED_TEST_ITEMS, most + 1)
    # For each number shown, the fewest caught whose bound claims more than the truth.
    too_many = np.array([_find_false_claim(int(number), truth) for number in shown])
    ever_false = (caught[:, MIN_SETTLED_TEST_ITEMS - 1 :] >= too_many).any(axis=1)
    assert ever_false.mean() <= DELTA
    assert too_many.min() <= MIN_SETTLED_TEST_ITEMS or truth > 0.85  # a claim can be false


def _find_false_claim(shown: int, truth: float) -> int:
    low, high = 0, shown + 1
    while low + 1 < high:
        middle = (low + high) // 2
        is_false = recall.bound_recall(shown, middle, delta=DELTA).low > truth
        low, high = (low, middle) if is_false else (middle, high)
    return high
