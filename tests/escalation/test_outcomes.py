"""What people settle becomes decisions, errors and labels."""

from __future__ import annotations

from typing import Any

import pytest

from escalation import decisions, outcomes
from escalation.models import Decision, Outcome, Stream
from reviewqueue import claims, labels, queue, verdicts
from reviewqueue.models import Event, Item, Label, User
from tests import making


@pytest.mark.parametrize(
    ("kind", "answer", "decided", "wrong", "overturned"),
    [
        ("agree", None, ("answered", "refund"), False, False),
        ("correct", "billing", ("answered", "billing"), True, True),
        ("none", None, ("rejected", None), True, True),
        ("unjudgeable", None, ("unjudgeable", None), None, False),
    ],
)
def test_what_people_settle_is_decided(
    stream: Stream, rob: User, kind: str, answer: str | None, decided: tuple[Any, ...], wrong: bool, overturned: bool
) -> None:
    making.routed(stream, making.element())
    making.judge(rob, kind, answer)
    assert outcomes.settle() == 1

    assert making.revisions() == [(1, "people", *decided)]
    assert making.output(stream).state == "decided"
    outcome = Outcome.objects.get()
    assert (outcome.outcome, outcome.answer, outcome.wrong, outcome.overturned) == (*decided, wrong, overturned)
    assert Decision.objects.get().label_id == Label.objects.get().pk
    assert Event.objects.filter(verb="outputs.decided").count() == 1
    assert outcomes.settle() == 0


def test_nothing_is_decided_before_the_time_to_undo_is_over(stream: Stream, rob: User) -> None:
    making.activate(stream, threshold=0.8, undo_seconds=30)
    making.routed(stream, making.element())
    submitted = making.judge(rob)
    assert outcomes.settle() == 0
    assert not Decision.objects.exists()
    assert outcomes.settle(now=submitted.final_at) == 1


def test_an_overturned_check_goes_out_as_a_revision(stream: Stream, rob: User) -> None:
    making.activate(stream, threshold=0.8, audit={"rate": 1})
    making.routed(stream, making.element(confidence=0.9))
    before = decisions.read(stream=stream)
    making.judge(rob, "correct", "billing", first="billing")
    outcomes.settle()
    assert making.revisions() == [(1, "model", "answered", "refund"), (2, "people", "answered", "billing")]
    (item,) = decisions.read(stream=stream, after=before.next).items
    assert (item["answer"], item["by"], item["revision"]) == ("billing", "people", 2)


def test_a_check_that_agrees_changes_nothing_and_is_counted(stream: Stream, rob: User) -> None:
    making.activate(stream, threshold=0.8, audit={"rate": 1})
    making.routed(stream, making.element(confidence=0.9))
    making.judge(rob, "agree")
    outcomes.settle()
    assert making.revisions() == [(1, "model", "answered", "refund")]
    assert (Outcome.objects.get().wrong, Outcome.objects.get().blind) == (False, True)


def test_a_check_that_nobody_can_judge_takes_nothing_back(stream: Stream, rob: User) -> None:
    making.activate(stream, threshold=0.8, audit={"rate": 1})
    making.routed(stream, making.element(confidence=0.9))
    making.judge(rob, "unjudgeable", first=None)
    outcomes.settle()
    assert len(making.revisions()) == 1
    assert Outcome.objects.get().wrong is None


def test_errors_are_counted_by_first_answers_and_decisions_made_by_final_ones(stream: Stream, rob: User) -> None:
    making.activate(stream, threshold=0.8, audit={"rate": 1})
    making.routed(stream, making.element(confidence=0.9))
    making.judge(rob, "agree", first="billing")
    outcomes.settle()
    outcome = Outcome.objects.get()
    assert (outcome.wrong, outcome.overturned, outcome.answer) == (True, False, "refund")
    assert len(making.revisions()) == 1


def test_a_reopened_item_is_decided_again_as_a_revision(stream: Stream, ann: User, rob: User, rita: User) -> None:
    making.routed(stream, making.element())
    making.judge(rob, "agree")
    outcomes.settle()
    item = Item.objects.get()
    queue.reopen(item_id=item.pk, by=ann, reason="a complaint")
    assert making.output(stream).state == "decided", "what was decided holds until there is something else"
    making.judge(rita, "correct", "billing", first="billing")
    outcomes.settle()
    assert making.revisions() == [(1, "people", "answered", "refund"), (2, "people", "answered", "billing")]
    assert (Outcome.objects.get().round, Outcome.objects.get().answer) == (2, "billing")


def test_a_reopened_item_with_the_same_answer_is_no_news(stream: Stream, ann: User, rob: User, rita: User) -> None:
    making.routed(stream, making.element())
    making.judge(rob)
    outcomes.settle()
    queue.reopen(item_id=Item.objects.get().pk, by=ann)
    making.judge(rita)
    outcomes.settle()
    assert len(making.revisions()) == 1


def test_a_later_round_decides_anew_and_leaves_what_the_first_said_of_the_model(
    stream: Stream, ann: User, rob: User, rita: User
) -> None:
    making.activate(stream, threshold=0.8, audit={"rate": 1})
    making.routed(stream, making.element(confidence=0.9))
    _judge_for(rob, 4.0, "refund")
    outcomes.settle()
    queue.reopen(item_id=Item.objects.get().pk, by=ann)
    _judge_for(rita, 3.0, "billing")
    outcomes.settle()
    outcome = Outcome.objects.get()
    assert (outcome.wrong, outcome.blind, outcome.settled) == (False, True, "refund")
    assert (outcome.round, outcome.answer, outcome.overturned) == (2, "billing", True)
    assert outcome.label_id == Label.objects.latest("id").pk
    assert outcome.reviews == 2
    seconds = [label.active_seconds or 0.0 for label in Label.objects.all()]
    assert outcome.active_seconds == pytest.approx(sum(seconds))


def _judge_for(who: User, seconds: float, answer: str) -> None:
    claim = claims.claim_next(user=who, slug="intents")
    assert claim
    if claim.answer_first:
        verdicts.answer_first(claim_id=claim.id, user=who, answer=answer)
    verdicts.submit(claim_id=claim.id, user=who, kind="correct", answer=answer, active_seconds=seconds)


@pytest.mark.parametrize("answer", [None, "null", "Zoë \u2028", ""])
def test_an_outcome_keeps_its_answer_as_it_was_said(queue: object, rob: User, answer: Any) -> None:
    invoices = making.stream(schema={"type": "object"}, policy={"threshold": 0.99})
    making.routed(invoices, making.element(prediction={"name": "x"}))
    making.judge(rob, "correct", {"name": answer}, first={"name": answer})
    outcomes.settle()
    assert Outcome.objects.get().answer == {"name": answer}


def test_two_labels_of_one_item_taken_together_are_two_revisions(
    stream: Stream, ann: User, rob: User, rita: User
) -> None:
    making.routed(stream, making.element())
    making.judge(rob, "correct", "billing")
    labels.settle_due()
    queue.reopen(item_id=Item.objects.get().pk, by=ann)
    making.judge(rita, "correct", "card_arrival", first="card_arrival")
    assert outcomes.settle() == 2
    assert [row[3] for row in making.revisions()] == ["billing", "card_arrival"]
    assert Outcome.objects.get().answer == "card_arrival"


def test_a_settling_that_fails_leaves_the_label_to_be_taken(
    stream: Stream, rob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    making.routed(stream, making.element())
    making.judge(rob)

    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("a mistake of ours")

    with monkeypatch.context() as patched:
        patched.setattr(decisions, "add", fail)
        with pytest.raises(ValueError, match="of ours"):
            outcomes.settle()
    assert outcomes.settle() == 1
    assert len(making.revisions()) == 1


def test_test_items_of_others_are_not_outputs(stream: Stream, rob: User) -> None:
    queue.enqueue(
        slug="intents",
        items=[
            queue.NewItem(
                id=7, reference="x", schema_number=1, input=1, proposal="refund", rank=0, undo_seconds=0, source="gold"
            )
        ],
    )
    making.judge(rob)
    assert outcomes.settle() == 1
    assert not Decision.objects.exists()
    assert not Outcome.objects.exists()


def test_a_structured_answer_that_says_the_same_is_not_wrong(queue: object, rob: User) -> None:
    schema = {"type": "object", "properties": {"total": {"type": "number"}}}
    invoices = making.stream(schema=schema, policy={"threshold": 0.99})
    making.routed(invoices, making.element(prediction={"total": 3.0, "name": "Zoë"}))
    making.judge(rob, "correct", {"name": "Zoë ", "total": 3}, first={"total": 3})
    outcomes.settle()
    assert (Outcome.objects.get().wrong, Outcome.objects.get().overturned) == (False, False)


def test_only_what_is_decided_can_be_opened_again(stream: Stream, ann: User, rob: User) -> None:
    making.routed(stream, making.element())
    making.judge(rob)
    outcomes.settle()
    outcomes.withdraw(stream=stream, external_id="ticket-1", actor="key:1")
    with pytest.raises(outcomes.NotDecided, match="withdrawn"):
        outcomes.reopen(output_id=making.output(stream).pk, by=ann)
    assert (Item.objects.get().state, Item.objects.get().round) == ("settled", 1)
    assert not Event.objects.filter(verb="reopened").exists()
