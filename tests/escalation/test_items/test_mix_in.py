"""Test items: indistinguishable from other items, measured, and counted nowhere else."""

from __future__ import annotations

import itertools
import random
import re
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from escalation.exports import labels
from escalation.guarantees import targets
from escalation.models import ExternalId, Outcome, Output, Payload, Stream, TestItem, output_id
from escalation.monitoring import invariants
from escalation.reports import aggregates, stream_report
from escalation.test_items import arrival, mix_in, reference_names
from reviewqueue.facade.queue import NewItem, enqueue_items
from reviewqueue.kernel.errors import Invalid
from reviewqueue.models import Item, Queue, User
from reviewqueue.queue.claim import claim_next
from reviewqueue.verdicts import submit
from tests.helpers import measured_recall, traffic
from tests.helpers.traffic import NOON, shift_noon

POLICY: dict[str, Any] = {"threshold": 0.8, "audit": {"rate": 1.0, "mode": "hold"}}
KNOWN = {"input": {"text": "Where is my card?"}, "prediction": "refund", "answer": "card_arrival"}


@pytest.fixture
def stream(queue: Queue) -> Stream:
    return traffic.apply_stream(policy=POLICY)


def _mistakes(stream: Stream, rob: User, count: int = 3) -> None:
    """Outputs whose errors rob caught in a blind review."""
    traffic.post_and_route(stream, *traffic.number_ids("old", count), segment={"language": "de"})
    traffic.judge_all(rob, lambda reference: "billing", now=shift_noon(minutes=5))


def _brought(stream: Stream, *, count: int = 1, now: datetime) -> list[int]:
    """Mix in this many examples and admit them now; returns their ids."""
    mix_in.mix_in_examples(stream=stream, known=[KNOWN] * count, actor="user:mara", now=now)
    return arrival.admit_test_items(stream=stream, count=count, rng=random.Random(1), now=now)


def test_a_past_error_is_given_to_another_reviewer(stream: Stream, rob: User, rita: User) -> None:
    _mistakes(stream, rob)
    made = mix_in.mix_in_past_errors(stream=stream, count=2, actor="user:mara", now=shift_noon(days=2))
    assert len(made) == 2
    arrival.admit_test_items(stream=stream, count=2, now=shift_noon(days=2))
    assert claim_next(user=rob, slug="intents", now=shift_noon(days=2)) is None
    assert traffic.judge_all(rita, lambda reference: "billing", now=shift_noon(days=2, minutes=1)) == 2
    assert list(TestItem.objects.values_list("caught", flat=True)) == [True, True]


def test_a_missed_error_is_counted(stream: Stream, rob: User, rita: User) -> None:
    _mistakes(stream, rob)
    mix_in.mix_in_past_errors(stream=stream, count=3, actor="user:mara", now=shift_noon(days=2))
    arrival.admit_test_items(stream=stream, count=3, now=shift_noon(days=2))
    traffic.judge_all(rita, lambda reference: "refund", now=shift_noon(days=2, minutes=1))
    assert set(TestItem.objects.values_list("caught", flat=True)) == {False}


@pytest.mark.parametrize("hours", [3, None])
def test_a_test_item_looks_like_an_audited_output(queue: Queue, rob: User, hours: int | None) -> None:
    """Whether the due time comes from the producer or the policy; also with a lower confidence."""
    stream = traffic.apply_stream(policy={**POLICY, "deadline_hours": 24})
    _mistakes(stream, rob, 1)
    moment = shift_noon(days=2, seconds=1.5)
    due = {"due_at": (moment + timedelta(hours=hours)).isoformat()} if hours else {}
    traffic.post_and_route(stream, *traffic.number_ids("new", 60), "old-60", confidence=0.4, now=moment, **due)
    mix_in.mix_in_past_errors(stream=stream, count=1, actor="user:mara", now=shift_noon(days=2))
    (test,) = arrival.admit_test_items(stream=stream, count=1, now=moment)
    item, like = Item.objects.get(pk=test), Item.objects.get(reference="old-60")
    same = ("queue_id", "schema_id", "lane", "answer_first", "reviews_wanted", "undo_seconds", "due_at", "group")
    assert {name: getattr(item, name) for name in same} == {name: getattr(like, name) for name in same}
    assert item.content.model == like.content.model
    assert item.rank == pytest.approx(like.rank, abs=1e-6)
    assert item.due_at == moment + timedelta(hours=hours or 24)
    assert output_id.time_of_id(item.pk) == output_id.time_of_id(like.pk)
    assert re.fullmatch("(old|new)-[0-9]{1,2}", item.reference)
    assert not ExternalId.objects.filter(external_id=item.reference).exists()


@pytest.mark.parametrize(
    ("posted", "manner"),
    [
        ([f"ticket-{number:04}" for number in range(1, 61)], "ticket-0(0[6-9]|1[0-2])[0-9]"),  # beyond the last
        ([f"T{number}/de" for number in range(8000, 8600, 10)], "T8[4-6][0-9]{2}/de"),
        ([f"{random.Random(n).randrange(10**9, 10**10)}" for n in range(60)], "[0-9]{10}"),
        ([str(uuid.UUID(int=random.Random(n).getrandbits(128), version=4)) for n in range(60)],
         "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
        (["alpha", "Beta"], "[a-z]{5}|[A-Z][a-z]{3}"),
        (["x"], "[a-z][0-9]?"),
        (["-"], "-[0-9]+"),
        (["9" * 200], "[0-9]{200}"),
    ],
)  # fmt: skip
def test_its_reference_imitates_the_latest_ones_and_is_unique(
    stream: Stream, posted: Sequence[str], manner: str
) -> None:
    traffic.post_and_route(stream, *posted)
    references = [Item.objects.get(pk=one).reference for one in _brought(stream, count=30, now=shift_noon(hours=1))]
    assert [name for name in references if not re.fullmatch(manner, name)] == []
    assert len(set(references) | set(posted)) == 30 + len(posted)


def test_a_due_time_on_the_hour_stays_on_the_hour(stream: Stream) -> None:
    traffic.post_and_route(stream, "ticket-1", due_at="2025-03-10T17:00:00Z", now=shift_noon(minutes=7))
    (test,) = _brought(stream, now=shift_noon(minutes=47))
    assert Item.objects.get(pk=test).due_at == shift_noon(hours=5)


def test_test_items_arrive_one_by_one_while_people_review(
    stream: Stream, rob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One arrives for about every five settled outputs, behind the items already waiting."""
    monkeypatch.setattr(arrival, "_RNG", random.Random(3))
    traffic.post_and_route(stream, *traffic.number_ids("before", 3))
    mix_in.mix_in_examples(stream=stream, known=[KNOWN] * 6, actor="user:mara", now=NOON)
    assert not Item.objects.filter(source=arrival.TEST_ITEM_SOURCE).exists()
    for minute in range(1, 61):
        traffic.post_and_route(stream, f"while-{minute}", now=shift_noon(minutes=minute))
        _settle_one(rob, shift_noon(minutes=minute))
    dealt = list(Item.objects.order_by("rank", "slots__id").values_list("source", flat=True))
    assert dealt.count(arrival.TEST_ITEM_SOURCE) == 6
    assert (arrival.TEST_ITEM_SOURCE, arrival.TEST_ITEM_SOURCE) not in itertools.pairwise(dealt)
    assert not Payload.objects.exclude(output_id__in=Output.objects.values("pk")).exists()
    assert invariants.find_violations() == []


def _settle_one(who: User, now: datetime) -> None:
    claim = claim_next(user=who, slug="intents", now=now)
    assert claim
    submit.submit_first_answer(claim_id=claim.id, user=who, answer="refund", now=now)
    submit.submit_verdict(claim_id=claim.id, user=who, kind="agree", now=now)
    traffic.settle_all(now=now)


@pytest.mark.parametrize(("answered", "share"), [(19, 1 / 10), (20, 1 / 20), (99, 1 / 20), (100, 1 / 100)])
def test_fewer_test_items_arrive_the_more_have_been_answered(stream: Stream, answered: int, share: float) -> None:
    measured_recall.settle_test_items(stream, shown=answered)
    assert arrival.choose_share(stream) == share


def test_a_few_test_items_are_kept_waiting_where_an_error_target_is_set(
    stream: Stream, rob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mix_in, "MAX_WAITING", 3)
    _mistakes(stream, rob, 5)
    later = shift_noon(hours=5)
    assert mix_in.replenish_test_items(now=later) == 0
    targets.set_error_target(stream=stream, max_error=0.05, actor="user:mara", now=later)
    assert [mix_in.replenish_test_items(now=later) for _ in range(2)] == [3, 0]
    arrival.admit_test_items(stream=stream, count=2, now=later)
    assert mix_in.replenish_test_items(now=later) == 2
    assert len(set(TestItem.objects.values_list("copy_of", flat=True))) == 5


def test_a_failing_test_item_does_not_block_settling(
    stream: Stream, rob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    traffic.post_and_route(stream, *traffic.number_ids("other", 3))
    mix_in.mix_in_examples(stream=stream, known=[KNOWN], actor="user:mara", now=NOON)
    monkeypatch.setattr(arrival, "FIRST_SHARE", 1)
    monkeypatch.setattr(reference_names, "generate_reference_names", lambda *_: iter(()))
    traffic.judge_all(rob, lambda reference: "refund", now=shift_noon(minutes=1))
    assert Outcome.objects.count() == 3
    assert not Item.objects.filter(source=arrival.TEST_ITEM_SOURCE).exists()


def test_an_answer_that_was_not_blind_measures_nothing(
    stream: Stream, rob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As reported by an API key that may have known the AI's answer: audits of that kind count as errors, too."""
    record = arrival.record_settled_items
    monkeypatch.setattr(
        arrival, "record_settled_items", lambda settled: record([replace(label, blind=False) for label in settled])
    )
    traffic.post_and_route(stream, "like")
    _brought(stream, now=shift_noon(hours=1))
    traffic.judge_all(rob, lambda reference: "card_arrival", now=shift_noon(hours=1, minutes=1))
    (item,) = TestItem.objects.exclude(settled_at=None)
    assert item.caught is None


def test_no_error_is_mixed_in_twice_or_right_after_it_settled(stream: Stream, rob: User) -> None:
    _mistakes(stream, rob, 3)
    assert mix_in.mix_in_past_errors(stream=stream, count=5, actor="user:mara", now=shift_noon(hours=2)) == []
    assert len(mix_in.mix_in_past_errors(stream=stream, count=2, actor="user:mara", now=shift_noon(days=2))) == 2
    assert len(mix_in.mix_in_past_errors(stream=stream, count=5, actor="user:mara", now=shift_noon(days=2))) == 1


def test_test_items_are_in_no_output_figure_or_export(stream: Stream, rob: User, rita: User) -> None:
    _mistakes(stream, rob)
    before = (Output.objects.count(), Outcome.objects.count())
    since, until = NOON.date(), shift_noon(days=3).date()
    tallied = aggregates.load_tallies(stream_id=stream.pk, keys=[], since=since, until=until)
    mix_in.mix_in_past_errors(stream=stream, count=3, actor="user:mara", now=shift_noon(days=2))
    arrival.admit_test_items(stream=stream, count=3, now=shift_noon(days=2))
    traffic.judge_all(rita, lambda reference: "billing", now=shift_noon(days=2, minutes=1))
    assert (Output.objects.count(), Outcome.objects.count()) == before
    assert aggregates.load_tallies(stream_id=stream.pk, keys=[], since=since, until=until) == tallied
    assert stream_report.build_report(stream=stream, since=since, until=until).decided == 3
    assert b"".join(labels.export_labels(stream)).count(b"\n") == 3
    assert invariants.find_violations() == []


@pytest.mark.parametrize(
    ("known", "pointer"),
    [
        ([{**KNOWN, "answer": "refund"}], "/0/answer"),
        ([KNOWN, {**KNOWN, "answer": "nonsense"}], "/1/answer"),
        ([{"input": {}, "prediction": "refund"}], "/0/answer"),
        ([], ""),
    ],
)
def test_invalid_examples_are_rejected_with_a_pointer(
    stream: Stream, known: list[dict[str, Any]], pointer: str
) -> None:
    traffic.post_and_route(stream, "ticket-1")
    with pytest.raises(Invalid) as refused:
        mix_in.mix_in_examples(stream=stream, known=known, actor="user:mara")
    assert refused.value.errors[0]["pointer"] == pointer
    assert not TestItem.objects.exists()


def test_a_test_item_asks_for_its_wrong_field_beside_those_of_an_output(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = {"type": "object", "properties": {name: {"type": "number"} for name in ("total", "tax", "tip")}}
    policy = {"threshold": 0.8, "thresholds": {"/total": 0.9}}
    stream = traffic.apply_stream(answers=None, schema=schema, policy=policy)
    right = {"total": 12, "tax": 2, "tip": 0}
    traffic.post_and_route(stream, "like", prediction=right, confidence=0.95, scores={"tip": 0.1})
    asked: list[set[str]] = []

    def _enqueue(*, items: Sequence[NewItem], **rest: Any) -> int:
        asked.extend(set(item.asked or ()) for item in items)
        return enqueue_items(items=items, **rest)

    monkeypatch.setattr("escalation.test_items.arrival.queue.enqueue_items", _enqueue)
    known = {"input": {}, "prediction": {**right, "tax": 3}, "answer": right}
    mix_in.mix_in_examples(stream=stream, known=[known], actor="user:mara", now=shift_noon(days=1))
    arrival.admit_test_items(stream=stream, count=1, now=shift_noon(days=1))
    assert asked == [{"/tip", "/tax"}]


@pytest.mark.parametrize(
    ("given", "is_caught"), [({"tax": 2}, True), ({"tip": 1}, False), ({"tax": 2, "tip": 1}, True)]
)
def test_a_wrong_field_is_caught_only_by_correcting_that_field(
    queue: Queue, rob: User, given: dict[str, int], is_caught: bool
) -> None:
    schema = {"type": "object", "properties": {name: {"type": "number"} for name in ("total", "tax", "tip")}}
    stream = traffic.apply_stream(answers=None, schema=schema, policy=POLICY)
    right = {"total": 12, "tax": 2, "tip": 0}
    traffic.post_and_route(stream, "like", prediction=right, confidence=0.1)
    wrong = {**right, "tax": 3}
    known = {"input": {}, "prediction": wrong, "answer": right}
    mix_in.mix_in_examples(stream=stream, known=[known], actor="user:mara", now=shift_noon(days=1))
    arrival.admit_test_items(stream=stream, count=1, now=shift_noon(days=1))
    traffic.judge_all(rob, lambda reference: {**wrong, **given}, now=shift_noon(days=1, minutes=1))
    assert TestItem.objects.get().caught is is_caught


@pytest.mark.parametrize(
    ("given", "is_caught"), [(["billing"], True), (["refund"], False), (["billing", "refund"], False)]
)
def test_a_set_is_caught_only_by_correcting_all_of_its_wrong_labels(
    queue: Queue, rob: User, given: list[str], is_caught: bool
) -> None:
    """The AI missed `billing` and invented `refund`."""
    stream = traffic.apply_stream(multiple=True, policy=POLICY)
    traffic.post_and_route(stream, "like", prediction=["refund"], confidence=0.1)
    known = {"input": {}, "prediction": ["refund"], "answer": ["billing"]}
    mix_in.mix_in_examples(stream=stream, known=[known], actor="user:mara", now=shift_noon(days=1))
    arrival.admit_test_items(stream=stream, count=1, now=shift_noon(days=1))
    traffic.judge_all(rob, lambda reference: given, now=shift_noon(days=1, minutes=1))
    assert TestItem.objects.get().caught is is_caught
