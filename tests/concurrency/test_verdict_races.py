"""Concurrent verdicts: exactly one counts, it is the right one, and none is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection

from reviewqueue.kernel import clock
from reviewqueue.models import Item, Label, Queue, Slot, User, Verdict
from reviewqueue.queue import lease
from reviewqueue.queue.claim import claim_next
from reviewqueue.queue.claim_view import Claim
from reviewqueue.queue.items import withdraw_items
from reviewqueue.reports import invariants
from reviewqueue.verdicts import labels, submit, undo
from reviewqueue.verdicts.submit import SubmittedVerdict
from tests.helpers import queue_items
from tests.helpers.races import filter_results, race

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("balanced")]


@pytest.fixture
def balanced(transactional_db: None) -> Iterator[None]:
    yield
    for check in invariants.list_checks():
        with connection.cursor() as cursor:
            cursor.execute(check.sql)
            assert cursor.fetchall() == [], check.sentence


def test_an_expired_claim_and_its_successor_submit_concurrently(queue: Queue, rob: User, rita: User) -> None:
    for number in range(1, 21):
        queue_items.enqueue_items(number)
        lapsed = queue_items.claim_next_item(rob, now=clock.current_time() - timedelta(minutes=16))
        live = queue_items.claim_next_item(rita)
        late, counted = race(
            partial(submit.submit_verdict, claim_id=lapsed.id, user=rob, kind="none"),
            partial(submit.submit_verdict, claim_id=live.id, user=rita, kind="agree"),
        )
        assert isinstance(late, lease.ClaimLost)
        assert isinstance(counted, SubmittedVerdict)
    assert list(Verdict.objects.values_list("user__username", "kind").distinct()) == [("rita", "agree")]


def test_a_verdict_races_the_next_claim_as_its_reservation_expires(queue: Queue, rob: User, rita: User) -> None:
    for number in range(1, 21):
        queue_items.enqueue_items(number)
        held = queue_items.claim_next_item(rob)
        Slot.objects.filter(item_id=number).update(reserved_until=clock.current_time() + timedelta(milliseconds=8))
        said, claim = race(
            partial(submit.submit_verdict, claim_id=held.id, user=rob, kind="agree"),
            partial(claim_next, user=rita, slug="intents"),
        )
        if claim is None:
            claim = claim_next(user=rita, slug="intents", now=queue_items.time_when_final())
        assert isinstance(said, SubmittedVerdict) == (claim is None), (said, claim)
        withdraw_items(item_ids=[number], actor="key:1")


def test_identical_concurrent_verdicts_are_recorded_once(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    results = race(*[partial(submit.submit_verdict, claim_id=claim.id, user=rob, kind="agree")] * 8)
    submitted = filter_results(SubmittedVerdict, results)
    assert len(submitted) == 8, results
    assert {one.id for one in submitted} == {Verdict.objects.get().pk}
    assert [one.repeated for one in submitted].count(False) == 1


def test_of_two_different_concurrent_verdicts_one_is_refused(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    results = race(
        *(partial(submit.submit_verdict, claim_id=claim.id, user=rob, kind=kind) for kind in ("agree", "none"))
    )
    assert len(filter_results(SubmittedVerdict, results)) == len(filter_results(submit.VerdictExists, results)) == 1
    assert Verdict.objects.count() == 1


def test_concurrent_first_answers_are_recorded_once(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    claim = queue_items.claim_next_item(rob)
    results = race(
        *(
            partial(submit.submit_first_answer, claim_id=claim.id, user=rob, answer=answer)
            for answer in ("billing", "refund", "billing")
        )
    )
    shown = filter_results(Claim, results)
    assert len({one.first_answer for one in shown}) == 1
    assert len(shown) + len(filter_results(submit.VerdictExists, results)) == 3


def test_an_undo_races_the_sweep_at_the_last_moment(queue: Queue, rob: User) -> None:
    """Whichever comes first: a label and no undo, or an undo and no label."""
    for number in range(1, 16):
        queue_items.enqueue_items(number)
        given = queue_items.judge_next(rob)
        edge = given.final_at
        undone, _ = race(
            partial(undo.undo_verdict, verdict_id=given.id, user=rob, now=edge - timedelta(microseconds=1)),
            partial(labels.settle_due_items, now=edge),
        )
        settled = Label.objects.filter(item_id=number).exists()
        verdict = Verdict.objects.get(pk=given.id)
        assert settled == (verdict.undone_at is None), undone
        assert isinstance(undone, Claim) == (not settled), undone
        withdraw_items(item_ids=[number], actor="key:1")


def test_concurrent_sweeps_settle_each_item_once(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(*range(1, 31))
    for _ in range(30):
        queue_items.judge_next(rob)
    now = queue_items.time_when_final()
    results = race(*[partial(labels.settle_due_items, now=now, limit=10)] * 4)
    assert all(isinstance(count, int) for count in results), results
    while labels.settle_due_items(now=now):
        pass
    assert Label.objects.count() == Item.objects.settled().count() == 30


def test_a_verdict_races_a_withdrawal(queue: Queue, rob: User) -> None:
    for number in range(1, 11):
        queue_items.enqueue_items(number)
        claim = queue_items.claim_next_item(rob)
        said, withdrawn = race(
            partial(submit.submit_verdict, claim_id=claim.id, user=rob, kind="agree"),
            partial(withdraw_items, item_ids=[number], actor="key:1"),
        )
        assert withdrawn == [number]
        assert isinstance(said, SubmittedVerdict | lease.ItemWithdrawn), said
    assert queue_items.settle_verdicts() == []


def test_concurrent_verdicts_undos_and_sweeps_keep_all_invariants(
    queue: Queue, rob: User, rita: User, ann: User
) -> None:
    """Nothing deadlocks and all invariant checks pass."""
    queue_items.enqueue_items(*range(1, 41), reviews_wanted=2)

    def work(person: User) -> int:
        done = 0
        while claim := claim_next(user=person, slug="intents"):
            given = queue_items.decide_claim(
                claim, person, "none" if claim.item.id % 3 == 0 and person.username == "rob" else "agree"
            )
            if claim.item.id % 7 == 0 and not claim.final_say and done < 40:
                with suppress(undo.VerdictFinal):  # a sweep, for which it is later, was first
                    undo.undo_verdict(verdict_id=given.id, user=person)
            done += 1
            if done > 120:
                break
        return done

    def sweep() -> int:
        return sum(labels.settle_due_items(now=queue_items.time_when_final()) for _ in range(20))

    results = race(partial(work, rob), partial(work, rita), partial(work, ann), sweep, sweep)
    assert all(isinstance(one, int) for one in results), results
