"""Test items: mixed in like any other item, measured, and counted nowhere else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from escalation import exports, ledger, report, tallies
from escalation.models import Outcome, Output, Stream, TestItem
from escalation.tuning import attempts, catching, targets, testitems
from reviewqueue import claims
from reviewqueue.models import Item, Queue, User
from reviewqueue.problems import Invalid
from tests.escalation import history, traffic
from tests.escalation.traffic import NOON, later
from tests.escalation.tuning.test_attempts import honest

POLICY: dict[str, Any] = {"threshold": 0.8, "audit": {"rate": 1.0, "mode": "hold"}}
KNOWN = {"input": {"text": "Where is my card?"}, "prediction": "refund", "answer": "card_arrival"}


@pytest.fixture
def stream(queue: Queue) -> Stream:
    return traffic.stream(policy=POLICY)


def _mistakes(stream: Stream, rob: User, count: int = 3) -> None:
    """Outputs that rob found wrong, without having seen the AI's answer."""
    traffic.post(stream, *traffic.numbered("old", count), segment={"language": "de"})
    traffic.judge(rob, lambda reference: "billing", now=later(minutes=5))


def test_a_mistake_of_the_past_is_asked_again_of_somebody_else(stream: Stream, rob: User, rita: User) -> None:
    _mistakes(stream, rob)
    made = testitems.mix_in_past(stream=stream, count=2, actor="user:mara", now=later(days=2))
    assert len(made) == 2
    assert claims.claim_next(user=rob, slug="intents", now=later(days=2)) is None
    assert traffic.judge(rita, lambda reference: "billing", now=later(days=2, minutes=1)) == 2
    assert list(TestItem.objects.values_list("caught", flat=True)) == [True, True]


def test_whoever_misses_the_mistake_is_counted(stream: Stream, rob: User, rita: User) -> None:
    _mistakes(stream, rob)
    testitems.mix_in_past(stream=stream, count=3, actor="user:mara", now=later(days=2))
    traffic.judge(rita, lambda reference: "refund", now=later(days=2, minutes=1))
    assert set(TestItem.objects.values_list("caught", flat=True)) == {False}


def test_it_looks_like_an_output_that_is_checked_at_random(stream: Stream, rob: User, rita: User) -> None:
    _mistakes(stream, rob, 1)
    traffic.post(stream, "checked", segment={"language": "de"}, now=later(days=2))
    (test,) = testitems.mix_in_past(stream=stream, count=1, actor="user:mara", now=later(days=2))
    item, like = Item.objects.get(pk=test.pk), Item.objects.get(reference="checked")
    same = ("queue_id", "schema_id", "lane", "answer_first", "reviews_wanted", "undo_seconds", "due_at", "group")
    assert {name: getattr(item, name) for name in same} == {name: getattr(like, name) for name in same}
    assert (item.content.why, item.content.model) == (like.content.why, like.content.model)
    assert item.rank == pytest.approx(like.rank)


def test_no_mistake_is_asked_twice_and_recent_ones_not_yet(stream: Stream, rob: User) -> None:
    _mistakes(stream, rob, 3)
    assert testitems.mix_in_past(stream=stream, count=5, actor="user:mara", now=later(hours=2)) == []
    assert len(testitems.mix_in_past(stream=stream, count=2, actor="user:mara", now=later(days=2))) == 2
    assert len(testitems.mix_in_past(stream=stream, count=5, actor="user:mara", now=later(days=2))) == 1


def test_no_figure_about_outputs_and_no_export_counts_them(stream: Stream, rob: User, rita: User) -> None:
    _mistakes(stream, rob)
    before = (Output.objects.count(), Outcome.objects.count())
    since, until = NOON.date(), later(days=3).date()
    tallied = tallies.of(stream_id=stream.pk, keys=[], since=since, until=until)
    testitems.mix_in_past(stream=stream, count=3, actor="user:mara", now=later(days=2))
    traffic.judge(rita, lambda reference: "billing", now=later(days=2, minutes=1))
    assert (Output.objects.count(), Outcome.objects.count()) == before
    assert tallies.of(stream_id=stream.pk, keys=[], since=since, until=until) == tallied
    assert report.build(stream=stream, since=since, until=until).decided == 3
    assert b"".join(exports.labels(stream)).count(b"\n") == 3
    assert ledger.imbalances() == []


def test_examples_that_somebody_brings_look_like_recent_outputs(stream: Stream, rob: User) -> None:
    traffic.post(stream, "ticket-0815", segment={"language": "de"})
    (made,) = testitems.mix_in(stream=stream, known=[KNOWN], actor="user:mara", now=later(hours=1))
    item = Item.objects.get(pk=made.pk)
    assert item.reference.startswith("ticket-")
    assert len(item.reference) == len("ticket-0815")
    assert item.content.model == "intent-clf"


@pytest.mark.parametrize(
    ("known", "pointer"),
    [
        ([{**KNOWN, "answer": "refund"}], "/0/answer"),
        ([KNOWN, {**KNOWN, "answer": "nonsense"}], "/1/answer"),
        ([{"input": {}, "prediction": "refund"}], "/0/answer"),
        ([], ""),
    ],
)
def test_examples_that_are_no_tests_are_refused_with_the_place(
    stream: Stream, known: list[dict[str, Any]], pointer: str
) -> None:
    traffic.post(stream, "ticket-1")
    with pytest.raises(Invalid) as refused:
        testitems.mix_in(stream=stream, known=known, actor="user:mara")
    assert refused.value.errors[0]["pointer"] == pointer
    assert not TestItem.objects.exists()


def test_what_reviewers_miss_lowers_the_target(stream: Stream) -> None:
    history.write(stream, *honest(3000))
    targets.set_target(stream=stream, max_error=0.05, actor="user:mara", now=NOON)
    moment = NOON + timedelta(days=11)
    assumed = attempts.prepare(stream, now=moment)
    assert (assumed.caught, assumed.max_error) == (None, 0.05)
    for index in range(100):
        TestItem.objects.create(
            pk=index + 1, stream=stream, answer="billing", prediction="refund", schema_number=1, added_by="user:mara",
            added_at=NOON, settled_at=NOON, caught=index < 80,
        )  # fmt: skip
    measured = attempts.prepare(stream, now=moment)
    assert measured.caught
    assert (measured.caught.shown, measured.caught.caught) == (100, 80)
    assert 0.6 < measured.caught.low < 0.8
    assert measured.max_error == pytest.approx(0.05 * measured.caught.low)
    assert measured.delta + measured.spends * attempts.SHARE_OF_CATCHING == pytest.approx(measured.spends)


def test_a_few_test_items_say_nothing_yet(stream: Stream) -> None:
    for index in range(catching.LEAST - 1):
        TestItem.objects.create(
            pk=index + 1, stream=stream, answer="billing", prediction="refund", schema_number=1, added_by="user:mara",
            added_at=NOON, settled_at=NOON, caught=True,
        )  # fmt: skip
    assert catching.measured(stream, delta=0.01) is None


def test_reviewers_who_find_no_known_mistake_leave_nothing_to_say(stream: Stream) -> None:
    history.write(stream, *honest(1500))
    targets.set_target(stream=stream, max_error=0.05, actor="user:mara", now=NOON)
    for index in range(catching.LEAST):
        TestItem.objects.create(
            pk=index + 1, stream=stream, answer="billing", prediction="refund", schema_number=1, added_by="user:mara",
            added_at=NOON, settled_at=NOON, caught=False,
        )  # fmt: skip
    with pytest.raises(attempts.Refused) as refused:
        attempts.prepare(stream, now=NOON + timedelta(days=11))
    assert refused.value.reason == "none_caught"
