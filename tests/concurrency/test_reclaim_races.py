"""Two people reclaim the same item at the same moment: one gets it, the other learns why not."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from reviewqueue.kernel import clock
from reviewqueue.models import Draft, Queue, Slot, User, Verdict
from reviewqueue.queue import lease, reclaim
from reviewqueue.queue.claim import TooManyClaims, claim_next, list_held_claims
from reviewqueue.queue.claim_view import Claim
from reviewqueue.verdicts import drafts, submit
from tests.helpers import queue_items
from tests.helpers.races import filter_results, race

pytestmark = pytest.mark.django_db(transaction=True)


def _lost(number: int, *people: User) -> list[Claim]:
    """Each of them had the item once, one after the other."""
    queue_items.enqueue_items(number)
    taken = []
    for person in people:
        claim = queue_items.claim_next_item(person)
        drafts.save_draft(claim_id=claim.id, user=person, fields={"note": ["mine"]})
        Slot.objects.open().update(reserved_until=clock.current_time() - timedelta(seconds=1))
        taken.append(claim)
    return taken


def _again(claim: Claim, user: User) -> partial[Claim]:
    return partial(reclaim.reclaim_item, claim_id=claim.id, user=user, slug="intents")


def test_only_one_of_two_people_reclaims_the_item(queue: Queue, rob: User, rita: User) -> None:
    for number in range(1, 11):
        first, second = _lost(number, rob, rita)
        results = race(_again(first, rob), _again(second, rita))
        (winner,) = filter_results(Claim, results)
        assert len(filter_results(lease.ClaimLost, results)) == 1, results
        queue_items.decide_claim(winner, rob if results[0] is winner else rita)
        Draft.objects.all().delete()


def test_a_lost_item_goes_to_its_former_holder_or_a_colleague_never_both(queue: Queue, rob: User, rita: User) -> None:
    for number in range(1, 11):
        (lost,) = _lost(number, rob)
        again, following = race(_again(lost, rob), partial(claim_next, user=rita, slug="intents"))
        got = filter_results(Claim, [again, following])
        assert len(got) == 1, (again, following)
        queue_items.decide_claim(got[0], rob if got[0] is again else rita)


def test_a_double_click_reclaims_the_item_once(queue: Queue, rob: User) -> None:
    for number in range(1, 6):
        (lost,) = _lost(number, rob)
        results = race(*[_again(lost, rob)] * 4)
        assert len({claim.id for claim in filter_results(Claim, results)}) == 1, results
        assert len(filter_results(Claim, results)) == 4, results
        queue_items.decide_claim(results[0], rob)


def test_concurrent_reclaims_cannot_exceed_ten_items(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(*range(1, 12))
    lost = [queue_items.claim_next_item(rob) for _ in range(10)]
    Slot.objects.filter(item_id=1).update(rank=99, reserved_until=clock.current_time() - timedelta(seconds=1))
    lost.append(queue_items.claim_next_item(rob))
    Slot.objects.update(reserved_until=clock.current_time() - timedelta(seconds=1))
    assert {claim.item.id for claim in lost} == set(range(1, 12))
    results = race(*(_again(claim, rob) for claim in lost))
    assert len(filter_results(Claim, results)) == 10, results
    assert len(filter_results(TooManyClaims, results)) == 1, results
    assert len(list_held_claims(rob)) == 10


def test_a_draft_saved_during_its_verdict_does_not_remain(queue: Queue, rob: User) -> None:
    for number in range(1, 16):
        queue_items.enqueue_items(number)
        claim = queue_items.claim_next_item(rob)
        race(
            partial(drafts.save_draft, claim_id=claim.id, user=rob, fields={"note": ["late"]}),
            partial(submit.submit_verdict, claim_id=claim.id, user=rob, kind="agree"),
        )
        assert not Draft.objects.exists()
    assert Verdict.objects.count() == 15
