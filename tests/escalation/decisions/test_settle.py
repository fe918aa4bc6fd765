"""Settled verdicts become decisions and outcomes."""

from __future__ import annotations

from typing import Any

import pytest

from escalation.decisions import feed, reopen, settle, withdraw
from escalation.models import Decision, Outcome, Stream
from reviewqueue.models import Event, Item, Label, User
from reviewqueue.queue import items
from reviewqueue.queue.claim import claim_next
from reviewqueue.verdicts import labels, submit
from tests.helpers import stream_setup


@pytest.mark.parametrize(
    ("kind", "answer", "decided", "wrong", "overturned"),
    [
        ("agree", None, ("answered", "refund"), False, False),
        ("correct", "billing", ("answered", "billing"), True, True),
        ("none", None, ("rejected", None), True, True),
        ("unjudgeable", None, ("unjudgeable", None), None, False),
    ],
)
def test_a_settled_verdict_makes_a_decision(
    stream: Stream, rob: User, kind: str, answer: str | None, decided: tuple[Any, ...], wrong: bool, overturned: bool
) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output())
    stream_setup.judge_next(rob, kind, answer)
    assert settle.settle_items() == 1

    assert stream_setup.list_revisions() == [(1, "people", *decided)]
    assert stream_setup.find_output(stream).state == "decided"
    outcome = Outcome.objects.get()
    assert (outcome.outcome, outcome.answer, outcome.wrong, outcome.overturned) == (*decided, wrong, overturned)
    assert Decision.objects.get().label_id == Label.objects.get().pk
    assert Event.objects.filter(verb="outputs.decided").count() == 1
    assert settle.settle_items() == 0


def test_nothing_is_decided_before_the_undo_period_ends(stream: Stream, rob: User) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, undo_seconds=30)
    stream_setup.route_outputs(stream, stream_setup.build_output())
    submitted = stream_setup.judge_next(rob)
    assert settle.settle_items() == 0
    assert not Decision.objects.exists()
    assert settle.settle_items(now=submitted.final_at) == 1


def test_an_overturned_audit_makes_a_revision(stream: Stream, rob: User) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": 1})
    stream_setup.route_outputs(stream, stream_setup.build_output(confidence=0.9))
    before = feed.read_feed(stream=stream)
    stream_setup.judge_next(rob, "correct", "billing", first="billing")
    settle.settle_items()
    assert stream_setup.list_revisions() == [(1, "model", "answered", "refund"), (2, "people", "answered", "billing")]
    (item,) = feed.read_feed(stream=stream, after=before.next).items
    assert (item["answer"], item["by"], item["revision"]) == ("billing", "people", 2)


def test_an_audit_that_agrees_makes_no_revision_and_is_counted(stream: Stream, rob: User) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": 1})
    stream_setup.route_outputs(stream, stream_setup.build_output(confidence=0.9))
    stream_setup.judge_next(rob, "agree")
    settle.settle_items()
    assert stream_setup.list_revisions() == [(1, "model", "answered", "refund")]
    assert (Outcome.objects.get().wrong, Outcome.objects.get().blind) == (False, True)


def test_an_unjudgeable_audit_does_not_change_the_decision(stream: Stream, rob: User) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": 1})
    stream_setup.route_outputs(stream, stream_setup.build_output(confidence=0.9))
    stream_setup.judge_next(rob, "unjudgeable", first=None)
    settle.settle_items()
    assert len(stream_setup.list_revisions()) == 1
    assert Outcome.objects.get().wrong is None


def test_errors_use_first_answers_and_decisions_use_final_ones(stream: Stream, rob: User) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": 1})
    stream_setup.route_outputs(stream, stream_setup.build_output(confidence=0.9))
    stream_setup.judge_next(rob, "agree", first="billing")
    settle.settle_items()
    outcome = Outcome.objects.get()
    assert (outcome.wrong, outcome.overturned, outcome.answer) == (True, False, "refund")
    assert len(stream_setup.list_revisions()) == 1


def test_deciding_a_reopened_item_makes_a_revision(stream: Stream, ann: User, rob: User, rita: User) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output())
    stream_setup.judge_next(rob, "agree")
    settle.settle_items()
    item = Item.objects.get()
    items.reopen_item(item_id=item.pk, by=ann, reason="a complaint")
    assert stream_setup.find_output(stream).state == "decided", "what was decided holds until there is something else"
    stream_setup.judge_next(rita, "correct", "billing", first="billing")
    settle.settle_items()
    assert stream_setup.list_revisions() == [(1, "people", "answered", "refund"), (2, "people", "answered", "billing")]
    assert (Outcome.objects.get().round, Outcome.objects.get().answer) == (2, "billing")


def test_reopening_with_the_same_answer_makes_no_revision(stream: Stream, ann: User, rob: User, rita: User) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output())
    stream_setup.judge_next(rob)
    settle.settle_items()
    items.reopen_item(item_id=Item.objects.get().pk, by=ann)
    stream_setup.judge_next(rita)
    settle.settle_items()
    assert len(stream_setup.list_revisions()) == 1


def test_a_later_round_changes_the_answer_but_not_the_error(stream: Stream, ann: User, rob: User, rita: User) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": 1})
    stream_setup.route_outputs(stream, stream_setup.build_output(confidence=0.9))
    _judge_for(rob, 4.0, "refund")
    settle.settle_items()
    items.reopen_item(item_id=Item.objects.get().pk, by=ann)
    _judge_for(rita, 3.0, "billing")
    settle.settle_items()
    outcome = Outcome.objects.get()
    assert (outcome.wrong, outcome.blind, outcome.settled) == (False, True, "refund")
    assert (outcome.round, outcome.answer, outcome.overturned) == (2, "billing", True)
    assert outcome.label_id == Label.objects.latest("id").pk
    assert outcome.reviews == 2
    seconds = [label.active_seconds or 0.0 for label in Label.objects.all()]
    assert outcome.active_seconds == pytest.approx(sum(seconds))


def _judge_for(who: User, seconds: float, answer: str) -> None:
    claim = claim_next(user=who, slug="intents")
    assert claim
    if claim.answer_first:
        submit.submit_first_answer(claim_id=claim.id, user=who, answer=answer)
    submit.submit_verdict(claim_id=claim.id, user=who, kind="correct", answer=answer, active_seconds=seconds)


@pytest.mark.parametrize("answer", [None, "null", "Zoë \u2028", ""])
def test_an_outcome_keeps_the_exact_answer(queue: object, rob: User, answer: Any) -> None:
    invoices = stream_setup.create_stream(schema={"type": "object"}, policy={"threshold": 0.99})
    stream_setup.route_outputs(invoices, stream_setup.build_output(prediction={"name": "x"}))
    stream_setup.judge_next(rob, "correct", {"name": answer}, first={"name": answer})
    settle.settle_items()
    assert Outcome.objects.get().answer == {"name": answer}


def test_two_labels_of_one_item_make_two_revisions(stream: Stream, ann: User, rob: User, rita: User) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output())
    stream_setup.judge_next(rob, "correct", "billing")
    labels.settle_due_items()
    items.reopen_item(item_id=Item.objects.get().pk, by=ann)
    stream_setup.judge_next(rita, "correct", "card_arrival", first="card_arrival")
    assert settle.settle_items() == 2
    assert [row[3] for row in stream_setup.list_revisions()] == ["billing", "card_arrival"]
    assert Outcome.objects.get().answer == "card_arrival"


def test_a_failed_settling_leaves_the_label_for_the_next(
    stream: Stream, rob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output())
    stream_setup.judge_next(rob)

    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(feed, "add_decisions", fail)
        with pytest.raises(ValueError, match="a bug"):
            settle.settle_items()
    assert settle.settle_items() == 1
    assert len(stream_setup.list_revisions()) == 1


def test_labels_of_unknown_items_are_ignored(stream: Stream, rob: User) -> None:
    items.enqueue_items(
        slug="intents",
        items=[
            items.NewItem(
                id=7, reference="x", schema_number=1, input=1, proposal="refund", rank=0, undo_seconds=0, source="gold"
            )
        ],
    )
    stream_setup.judge_next(rob)
    assert settle.settle_items() == 1
    assert not Decision.objects.exists()
    assert not Outcome.objects.exists()


def test_an_equivalent_structured_answer_is_not_an_error(queue: object, rob: User) -> None:
    schema = {"type": "object", "properties": {"total": {"type": "number"}}}
    invoices = stream_setup.create_stream(schema=schema, policy={"threshold": 0.99})
    stream_setup.route_outputs(invoices, stream_setup.build_output(prediction={"total": 3.0, "name": "Zoë"}))
    stream_setup.judge_next(rob, "correct", {"name": "Zoë ", "total": 3}, first={"total": 3})
    settle.settle_items()
    assert (Outcome.objects.get().wrong, Outcome.objects.get().overturned) == (False, False)


def test_only_decided_outputs_can_be_reopened(stream: Stream, ann: User, rob: User) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output())
    stream_setup.judge_next(rob)
    settle.settle_items()
    withdraw.withdraw_output(stream=stream, external_id="ticket-1", actor="key:1")
    with pytest.raises(reopen.NotDecided, match="withdrawn"):
        reopen.reopen_output(output_id=stream_setup.find_output(stream).pk, by=ann)
    assert (Item.objects.get().state, Item.objects.get().round) == ("settled", 1)
    assert not Event.objects.filter(verb="reopened").exists()
