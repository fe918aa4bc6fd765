"""What people settle becomes decisions, errors and labels; what nobody looked at in time is answered as agreed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from escalation import decisions, dispatch, outcomes, routes, states, stops
from escalation.models import Decision, Outcome, Output, Stream
from reviewqueue import claims, labels, queue, verdicts
from reviewqueue.models import Event, Item, Label, User
from reviewqueue.problems import NotFound
from tests import making

SOON, LATER = "2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC)


def _revisions(external_id: str = "ticket-1") -> list[tuple[Any, ...]]:
    found = Decision.objects.filter(external_id=external_id).order_by("revision")
    return [(one.revision, one.by, one.outcome, one.answer) for one in found]


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

    assert _revisions() == [(1, "people", *decided)]
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
    assert _revisions() == [(1, "model", "answered", "refund"), (2, "people", "answered", "billing")]
    (item,) = decisions.read(stream=stream, after=before.next).items
    assert (item["answer"], item["by"], item["revision"]) == ("billing", "people", 2)


def test_a_check_that_agrees_changes_nothing_and_is_counted(stream: Stream, rob: User) -> None:
    making.activate(stream, threshold=0.8, audit={"rate": 1})
    making.routed(stream, making.element(confidence=0.9))
    making.judge(rob, "agree")
    outcomes.settle()
    assert _revisions() == [(1, "model", "answered", "refund")]
    assert (Outcome.objects.get().wrong, Outcome.objects.get().blind) == (False, True)


def test_a_check_that_nobody_can_judge_takes_nothing_back(stream: Stream, rob: User) -> None:
    making.activate(stream, threshold=0.8, audit={"rate": 1})
    making.routed(stream, making.element(confidence=0.9))
    making.judge(rob, "unjudgeable", first=None)
    outcomes.settle()
    assert len(_revisions()) == 1
    assert Outcome.objects.get().wrong is None


def test_errors_are_counted_by_first_answers_and_decisions_made_by_final_ones(stream: Stream, rob: User) -> None:
    making.activate(stream, threshold=0.8, audit={"rate": 1})
    making.routed(stream, making.element(confidence=0.9))
    making.judge(rob, "agree", first="billing")
    outcomes.settle()
    outcome = Outcome.objects.get()
    assert (outcome.wrong, outcome.overturned, outcome.answer) == (True, False, "refund")
    assert len(_revisions()) == 1


def test_a_reopened_item_is_decided_again_as_a_revision(stream: Stream, ann: User, rob: User, rita: User) -> None:
    making.routed(stream, making.element())
    making.judge(rob, "agree")
    outcomes.settle()
    item = Item.objects.get()
    queue.reopen(item_id=item.pk, by=ann, reason="a complaint")
    assert making.output(stream).state == "decided", "what was decided holds until there is something else"
    making.judge(rita, "correct", "billing", first="billing")
    outcomes.settle()
    assert _revisions() == [(1, "people", "answered", "refund"), (2, "people", "answered", "billing")]
    assert (Outcome.objects.get().round, Outcome.objects.get().answer) == (2, "billing")


def test_a_reopened_item_with_the_same_answer_is_no_news(stream: Stream, ann: User, rob: User, rita: User) -> None:
    making.routed(stream, making.element())
    making.judge(rob)
    outcomes.settle()
    queue.reopen(item_id=Item.objects.get().pk, by=ann)
    making.judge(rita)
    outcomes.settle()
    assert len(_revisions()) == 1


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
    assert [row[3] for row in _revisions()] == ["billing", "card_arrival"]
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
    assert len(_revisions()) == 1


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


# Withdrawing, in every state.


def test_what_is_still_to_be_routed_can_be_withdrawn(stream: Stream) -> None:
    making.post(stream, making.element())
    outcomes.withdraw(stream=stream, external_id="ticket-1", actor="key:1")
    assert dispatch.run() == 0
    assert _revisions() == [(1, "system", "withdrawn", None)]
    event = Event.objects.get(verb="output.withdrawn")
    assert (event.actor, event.before, event.after) == ("key:1", {"state": "received"}, {"state": "withdrawn"})


def test_what_a_person_has_open_can_be_withdrawn_and_they_are_told(stream: Stream, rob: User) -> None:
    making.routed(stream, making.element())
    claim = claims.claim_next(user=rob, slug="intents")
    assert claim
    outcomes.withdraw(stream=stream, external_id="ticket-1", actor="key:1")
    assert Item.objects.get().state == "withdrawn"
    with pytest.raises(Exception, match="withdrawn"):
        verdicts.submit(claim_id=claim.id, user=rob, kind="agree")


def test_what_waits_for_its_verdict_to_become_final_can_be_withdrawn(stream: Stream, rob: User) -> None:
    making.activate(stream, threshold=0.8, undo_seconds=30)
    making.routed(stream, making.element())
    submitted = making.judge(rob)
    outcomes.withdraw(stream=stream, external_id="ticket-1", actor="key:1")
    assert outcomes.settle(now=submitted.final_at) == 0
    assert _revisions() == [(1, "system", "withdrawn", None)]


def test_what_was_settled_but_not_taken_can_be_withdrawn(stream: Stream, rob: User) -> None:
    making.routed(stream, making.element())
    making.judge(rob)
    labels.settle_due()
    outcomes.withdraw(stream=stream, external_id="ticket-1", actor="key:1")
    assert outcomes.settle() == 1
    assert _revisions() == [(1, "system", "withdrawn", None)]
    assert making.output(stream).state == "withdrawn"


@pytest.mark.parametrize("audit", [{}, {"rate": 1, "mode": "after"}])
def test_what_went_out_can_be_withdrawn(stream: Stream, audit: dict[str, Any]) -> None:
    making.activate(stream, threshold=0.8, audit=audit, hours=2, reviews=2)
    making.routed(stream, making.element(confidence=0.9))
    outcomes.withdraw(stream=stream, external_id="ticket-1", actor="key:1")
    assert [row[:3] for row in _revisions()] == [(1, "model", "answered"), (2, "system", "withdrawn")]
    assert not Item.objects.open().exists()


def test_what_people_decided_can_be_withdrawn(stream: Stream, rob: User) -> None:
    making.routed(stream, making.element())
    making.judge(rob)
    outcomes.settle()
    outcomes.withdraw(stream=stream, external_id="ticket-1", actor="key:1")
    assert [row[:3] for row in _revisions()] == [(1, "people", "answered"), (2, "system", "withdrawn")]


def test_withdrawing_twice_is_withdrawing_once(stream: Stream) -> None:
    making.routed(stream, making.element())
    for _ in range(2):
        outcomes.withdraw(stream=stream, external_id="ticket-1", actor="key:1")
    assert len(_revisions()) == 1
    assert Event.objects.filter(verb="output.withdrawn").count() == 1


def test_what_was_never_posted_cannot_be_withdrawn(stream: Stream) -> None:
    making.post(making.stream("invoices"), making.element("invoice-1"))
    with pytest.raises(NotFound):
        outcomes.withdraw(stream=stream, external_id="invoice-1", actor="key:1")


def test_what_is_routed_while_it_is_withdrawn_is_locked_item_first(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    making.post(stream, making.element())
    find = states.find

    def find_before_routing(**which: Any) -> Output:
        found = find(**which)
        dispatch.run()
        return found

    monkeypatch.setattr(states, "find", find_before_routing)
    with CaptureQueriesContext(connection) as captured:
        outcomes.withdraw(stream=stream, external_id="ticket-1", actor="key:1")
    assert (making.output(stream).state, Item.objects.get().state) == ("withdrawn", "withdrawn")
    assert len(_revisions()) == 1
    said = [query["sql"] for query in captured.captured_queries]
    locked = max(at for at, sql in enumerate(said) if '"escalation_output"' in sql and "FOR NO KEY UPDATE" in sql)
    assert not any("reviewqueue_item" in sql for sql in said[locked:])


# Reopening.


def test_only_what_is_decided_can_be_opened_again(stream: Stream, ann: User, rob: User) -> None:
    making.routed(stream, making.element())
    making.judge(rob)
    outcomes.settle()
    outcomes.withdraw(stream=stream, external_id="ticket-1", actor="key:1")
    with pytest.raises(outcomes.NotDecided, match="withdrawn"):
        outcomes.reopen(output_id=making.output(stream).pk, by=ann)
    assert (Item.objects.get().state, Item.objects.get().round) == ("settled", 1)
    assert not Event.objects.filter(verb="reopened").exists()


# Deadlines.


def _overdue(stream: Stream, **fields: Any) -> None:
    making.routed(stream, making.element(due_at=SOON, **fields))


@pytest.mark.parametrize(
    ("what", "answer", "state"),
    [
        ("accept", ("answered", "refund"), "decided"),
        ("reject", ("rejected", None), "decided"),
        ("hold", None, "in_review"),
    ],
)
def test_past_its_deadline_an_output_is_answered_as_its_policy_says(
    stream: Stream, what: str, answer: tuple[Any, ...] | None, state: str
) -> None:
    making.activate(stream, threshold=0.8, deadline_hours=999, on_deadline=what)
    _overdue(stream)
    expected = [] if answer is None else [(1, "system", *answer)]
    assert outcomes.expire(now=LATER) == len(expected)
    assert _revisions() == expected
    assert making.output(stream).state == state
    assert Item.objects.get().state == ("open" if answer is None else "expired")
    assert not Label.objects.exists(), "a time-out is never a label"
    assert outcomes.expire(now=LATER) == 0
    assert Event.objects.filter(verb="outputs.timed_out", queue="intents").count() == len(expected)


def test_before_its_deadline_nothing_is_answered(stream: Stream) -> None:
    making.activate(stream, threshold=0.8, on_deadline="accept")
    _overdue(stream)
    assert outcomes.expire(now=LATER - timedelta(seconds=2)) == 0


def test_the_policy_that_routed_it_says_what_happens(stream: Stream) -> None:
    making.activate(stream, threshold=0.8, on_deadline="accept")
    _overdue(stream)
    making.activate(stream, threshold=0.8, hours=2)
    assert outcomes.expire(now=LATER) == 1


@pytest.mark.parametrize("hindrance", ["confidence", "stop", "stop of all", "routed while stopped", "overload"])
def test_nothing_is_accepted_by_a_deadline_that_should_not_go_out(stream: Stream, hindrance: str) -> None:
    making.activate(stream, threshold=0.8, on_deadline="accept")
    if hindrance == "routed while stopped":
        stop = stops.stop(stream=stream, by="user:mara")
    _overdue(stream, confidence=None if hindrance == "confidence" else 0.5)
    match hindrance:
        case "stop":
            stops.stop(stream=stream, by="user:mara")
        case "stop of all":
            stops.stop(stream=None, by="user:mara")
        case "routed while stopped":
            stops.ask_to_resume(stop=stop, by="user:mara")
            stops.resume(stop=stop, by="user:max")
        case "overload":
            Stream.objects.update(waiting=10_000)
    assert outcomes.expire(now=LATER) == 0
    assert making.output(stream).state == "in_review"


def test_what_the_system_could_not_decide_about_no_deadline_accepts(stream: Stream) -> None:
    making.activate(stream, threshold=0.8, on_deadline="accept")
    results = making.post(stream, making.element(due_at=SOON, confidence=0.1))
    assert results[0].output_id
    assert routes.to_people([results[0].output_id], reason="dispatch_failed", now=LATER) == 1
    assert outcomes.expire(now=LATER) == 0


def test_a_stop_does_not_keep_the_system_from_rejecting(stream: Stream) -> None:
    making.activate(stream, threshold=0.8, on_deadline="reject")
    _overdue(stream)
    stops.stop(stream=stream, by="user:mara")
    assert outcomes.expire(now=LATER) == 1


def test_whoever_has_it_open_wins_over_its_deadline(stream: Stream, rob: User) -> None:
    making.activate(stream, threshold=0.8, on_deadline="accept")
    _overdue(stream)
    claim = claims.claim_next(user=rob, slug="intents", now=LATER)
    assert claim
    assert outcomes.expire(now=LATER) == 0
    claims.release(claim_id=claim.id, user=rob, now=LATER)
    assert outcomes.expire(now=LATER) == 1


def test_a_verdict_that_is_not_final_yet_wins_over_its_deadline(stream: Stream, rob: User) -> None:
    making.activate(stream, threshold=0.8, on_deadline="accept", undo_seconds=30)
    _overdue(stream)
    making.judge(rob, "correct", "billing")
    assert outcomes.expire(now=datetime.now(UTC)) == 0
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert outcomes.expire(now=later) == 0, "settled first, even when the sweep comes late"
    assert outcomes.settle(now=later) == 1
    assert _revisions() == [(1, "people", "answered", "billing")]


def test_a_check_after_the_fact_has_no_deadline_to_miss(stream: Stream) -> None:
    making.activate(stream, threshold=0.8, on_deadline="reject", audit={"rate": 1, "mode": "after"})
    _overdue(stream, confidence=0.9)
    assert outcomes.expire(now=LATER) == 0
