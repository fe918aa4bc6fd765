"""Two who want the same lost item at one moment: one gets it, the other is told."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from reviewqueue.kernel import clock
from reviewqueue.models import Draft, Queue, Slot, User, Verdict
from reviewqueue.queue import lease, reclaim
from reviewqueue.queue.claim import TooManyClaims, claim_next, held_by
from reviewqueue.queue.claim_view import Claim
from reviewqueue.verdicts import drafts, submit
from tests.helpers import queue_items
from tests.helpers.races import of, race

pytestmark = pytest.mark.django_db(transaction=True)


def _lost(number: int, *people: User) -> list[Claim]:
    """Each of them had the item once, one after the other."""
    queue_items.enqueue(number)
    taken = []
    for person in people:
        claim = queue_items.take(person)
        drafts.save(claim_id=claim.id, user=person, fields={"note": ["mine"]})
        Slot.objects.open().update(reserved_until=clock.current() - timedelta(seconds=1))
        taken.append(claim)
    return taken


def _again(claim: Claim, user: User) -> partial[Claim]:
    return partial(reclaim.take_again, claim_id=claim.id, user=user, slug="intents")


def test_one_of_two_gets_the_item(queue: Queue, rob: User, rita: User) -> None:
    for number in range(1, 11):
        first, second = _lost(number, rob, rita)
        results = race(_again(first, rob), _again(second, rita))
        (winner,) = of(Claim, results)
        assert len(of(lease.ClaimLost, results)) == 1, results
        queue_items.decide(winner, rob if results[0] is winner else rita)
        Draft.objects.all().delete()


def test_a_colleague_who_asks_for_the_next_item_gets_it_or_the_other_does(queue: Queue, rob: User, rita: User) -> None:
    for number in range(1, 11):
        (lost,) = _lost(number, rob)
        again, following = race(_again(lost, rob), partial(claim_next, user=rita, slug="intents"))
        got = of(Claim, [again, following])
        assert len(got) == 1, (again, following)
        queue_items.decide(got[0], rob if got[0] is again else rita)


def test_a_double_click_takes_it_once(queue: Queue, rob: User) -> None:
    for number in range(1, 6):
        (lost,) = _lost(number, rob)
        results = race(*[_again(lost, rob)] * 4)
        assert len({claim.id for claim in of(Claim, results)}) == 1, results
        assert len(of(Claim, results)) == 4, results
        queue_items.decide(results[0], rob)


def test_ten_is_ten_when_eleven_are_taken_again_at_once(queue: Queue, rob: User) -> None:
    queue_items.enqueue(*range(1, 12))
    lost = [queue_items.take(rob) for _ in range(10)]
    Slot.objects.filter(item_id=1).update(rank=99, reserved_until=clock.current() - timedelta(seconds=1))
    lost.append(queue_items.take(rob))
    Slot.objects.update(reserved_until=clock.current() - timedelta(seconds=1))
    assert {claim.item.id for claim in lost} == set(range(1, 12))
    results = race(*(_again(claim, rob) for claim in lost))
    assert len(of(Claim, results)) == 10, results
    assert len(of(TooManyClaims, results)) == 1, results
    assert len(held_by(rob)) == 10


def test_a_draft_and_its_verdict_at_once_leave_no_draft(queue: Queue, rob: User) -> None:
    for number in range(1, 16):
        queue_items.enqueue(number)
        claim = queue_items.take(rob)
        race(
            partial(drafts.save, claim_id=claim.id, user=rob, fields={"note": ["late"]}),
            partial(submit.submit, claim_id=claim.id, user=rob, kind="agree"),
        )
        assert not Draft.objects.exists()
    assert Verdict.objects.count() == 15
