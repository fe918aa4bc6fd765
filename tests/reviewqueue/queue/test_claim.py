"""Which items people are offered, in which order, and what they see of them."""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reviewqueue.accounts import roles
from reviewqueue.activity import log
from reviewqueue.kernel import clock
from reviewqueue.kernel.errors import Invalid, NotFound
from reviewqueue.models import Guideline, Membership, Queue, Slot, User
from reviewqueue.models.items import Lane
from reviewqueue.queue import lease
from reviewqueue.queue.claim import TooManyClaims, claim_next, list_held_claims, release_claim, renew_claim
from reviewqueue.queue.claim import get_claim as claim_claim
from reviewqueue.queue.claim_view import Claim
from reviewqueue.queue.items import reopen_item
from reviewqueue.queue.passing import pass_item
from reviewqueue.verdicts import submit
from tests.helpers import queue_items

pytestmark = pytest.mark.usefixtures("balanced")


class Always(random.Random):
    """Draws the number it was made with."""

    def __init__(self, drawn: float) -> None:
        super().__init__()
        self.drawn = drawn

    def random(self) -> float:
        return self.drawn


def test_the_lowest_rank_comes_first(queue: Queue, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1, rank=2.5)
    queue_items.enqueue_items(2, rank=-7.0)
    queue_items.enqueue_items(3, rank=2.5)
    assert [queue_items.claim_next_item(person).item.id for person in (rob, rita, rob)] == [2, 1, 3]


def test_an_empty_queue_gives_no_claim(queue: Queue, rob: User) -> None:
    assert claim_next(user=rob, slug="intents") is None


def test_the_desk_resumes_its_claim_and_the_api_takes_another(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, 2)
    first = queue_items.claim_next_item(rob)
    assert queue_items.claim_next_item(rob, resume=True) == first
    assert queue_items.claim_next_item(rob, resume=False).item.id == 2


def test_a_reservation_lasts_as_long_as_its_queue_says(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    now = clock.current_time()
    assert queue_items.claim_next_item(rob, now=now).reserved_until == now + timedelta(minutes=15)


def test_an_expired_reservation_goes_to_the_next_person(queue: Queue, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1)
    lost = queue_items.claim_next_item(rob)
    assert claim_next(user=rita, slug="intents") is None
    won = queue_items.claim_next_item(rita, now=lost.reserved_until)
    assert won.item.id == 1
    assert won.id != lost.id
    with pytest.raises(lease.ClaimLost):
        renew_claim(claim_id=lost.id, user=rob)


def test_the_former_holder_may_claim_an_expired_slot_under_a_new_number(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    lapsed = queue_items.claim_next_item(rob)
    again = queue_items.claim_next_item(rob, now=lapsed.reserved_until)
    assert again.id.split(".") == [lapsed.id.split(".")[0], "2"]


def test_two_reviews_of_one_item_need_two_people(queue: Queue, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    queue_items.claim_next_item(rob)
    assert claim_next(user=rob, slug="intents", resume=False) is None
    queue_items.claim_next_item(rita)
    assert Slot.objects.reserved().count() == 2


def test_a_person_who_judged_an_item_gets_no_other_slot_of_it(queue: Queue, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    queue_items.judge_next(rob)
    assert claim_next(user=rob, slug="intents") is None
    assert queue_items.claim_next_item(rita).item.id == 1


def test_nobody_can_hold_more_than_ten_items(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(*range(1, 13))
    held = [queue_items.claim_next_item(rob) for _ in range(10)]
    with pytest.raises(TooManyClaims):
        queue_items.claim_next_item(rob)
    assert [claim.id for claim in list_held_claims(rob)] == [claim.id for claim in held]
    release_claim(claim_id=held[3].id, user=rob)
    assert queue_items.claim_next_item(rob).item.id == held[3].item.id


def test_a_released_item_is_offered_again(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    release_claim(claim_id=queue_items.claim_next_item(rob).id, user=rob)
    assert queue_items.claim_next_item(rob).item.id == 1


def test_a_passed_item_is_offered_only_to_others_until_it_is_reopened(
    queue: Queue, rob: User, rita: User, ann: User
) -> None:
    queue_items.enqueue_items(1)
    pass_item(claim_id=queue_items.claim_next_item(rob).id, user=rob, reason="not my field")
    assert claim_next(user=rob, slug="intents") is None
    assert log.events_about("item", 1).get().after == {"claim": f"{Slot.objects.get().pk}.1", "reason": "not my field"}
    queue_items.judge_next(rita)
    queue_items.settle_verdicts()
    reopen_item(item_id=1, by=ann)
    assert queue_items.claim_next_item(rob).item.id == 1


@pytest.mark.parametrize("reason", ["x" * 41, "a\0b"])
def test_a_pass_reason_that_cannot_be_stored_is_refused(queue: Queue, rob: User, reason: str) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    with pytest.raises(Invalid):
        pass_item(claim_id=claim.id, user=rob, reason=reason)
    assert list_held_claims(rob) == [claim]


def test_a_share_of_claims_searches_the_checks_lane_first(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, 2)
    queue_items.enqueue_items(11, 12, lane=Lane.CHECKS, rank=99.0)
    taken = [queue_items.claim_next_item(rob, rng=Always(drawn)).item.id for drawn in (0.9, 0.2, 0.3, 0.9)]
    assert taken == [1, 11, 2, 12]


def test_neither_lane_starves(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(*range(1, 101))
    queue_items.enqueue_items(*range(201, 301), lane=Lane.CHECKS)
    rng = random.Random(7)
    checks = 0
    for _ in range(100):
        claim = queue_items.claim_next_item(rob, rng=rng)
        checks += claim.item.id > 200
        queue_items.decide_claim(claim, rob)
    assert 15 <= checks <= 35


def test_only_leads_are_offered_the_final_say_and_get_it_first(queue: Queue, rob: User, rita: User, ann: User) -> None:
    queue_items.enqueue_items(1, 2)
    queue_items.judge_next(rob, "escalate", note="refund or billing?")
    queue_items.settle_verdicts()
    assert queue_items.claim_next_item(rita).item.id == 2
    claim = queue_items.claim_next_item(ann)
    assert (claim.item.id, claim.final_say, claim.revealed) == (1, True, True)
    (other,) = claim.others
    assert (other.person, other.kind, other.note) == ("rob", "escalate", "refund or billing?")


def test_nobody_has_the_final_say_on_an_item_they_judged(queue: Queue, ann: User, rob: User) -> None:
    queue_items.enqueue_items(1)
    queue_items.judge_next(ann, "escalate")
    queue_items.settle_verdicts()
    assert claim_next(user=ann, slug="intents") is None
    User.objects.filter(pk=rob.pk).update(role="lead")
    assert queue_items.claim_next_item(rob).final_say


def test_nobody_has_the_final_say_on_an_item_they_judged_in_an_earlier_round(
    queue: Queue, ann: User, rob: User, rita: User
) -> None:
    queue_items.enqueue_items(1)
    queue_items.judge_next(ann)
    queue_items.settle_verdicts()
    reopen_item(item_id=1, by=ann)
    queue_items.judge_next(rob, "escalate")
    queue_items.settle_verdicts()
    assert claim_next(user=ann, slug="intents") is None


def test_an_expired_reservation_does_not_block_a_lead_from_the_final_say(queue: Queue, ann: User, rob: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    queue_items.judge_next(rob, "escalate")
    lapsed = queue_items.claim_next_item(ann)
    queue_items.settle_verdicts()
    assert claim_next(user=ann, slug="intents", resume=False) is None
    assert queue_items.claim_next_item(ann, now=lapsed.reserved_until).final_say


def test_only_active_reviewers_of_the_queue_claim(queue: Queue, rob: User, eve: User, mara: User, otto: User) -> None:
    queue_items.enqueue_items(1)
    User.objects.filter(pk=rob.pk).update(is_active=False)
    for person in (rob, eve, mara, otto):
        with pytest.raises(roles.NotAMember):
            claim_next(user=person, slug="intents")
    with pytest.raises(NotFound):
        claim_next(user=rob, slug="elsewhere")


@pytest.mark.parametrize("change", [{"role": "admin"}, {"all_queues": True}])
def test_administrators_and_members_of_all_queues_can_claim(queue: Queue, eve: User, change: dict[str, Any]) -> None:
    queue_items.enqueue_items(1)
    User.objects.filter(pk=eve.pk).update(**change)
    assert queue_items.claim_next_item(eve).item.id == 1


def test_only_its_holder_can_see_a_claim(queue: Queue, rob: User, rita: User, eve: User) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    assert claim_claim(rob, claim.id) == claim
    for person in (rita, eve):
        with pytest.raises(NotFound):
            claim_claim(person, claim.id)
        with pytest.raises(NotFound):
            release_claim(claim_id=claim.id, user=person)


@pytest.mark.parametrize(
    "text", ["", "1", "1.", "1.0", "0.1", "-1.1", "a.b", "1.1.1", "\u0661.\u0661", "9" * 30 + ".1", "1.1\n"]
)
def test_a_malformed_claim_id_is_not_found(queue: Queue, rob: User, text: str) -> None:
    with pytest.raises(NotFound):
        claim_claim(rob, text)


def test_a_claim_id_that_never_existed_is_not_found(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    with pytest.raises(NotFound):
        claim_claim(rob, claim.id + "7")


def test_renewing_extends_to_the_full_time_and_never_shortens(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    now = clock.current_time()
    claim = queue_items.claim_next_item(rob, now=now)
    renewed = renew_claim(claim_id=claim.id, user=rob, now=now + timedelta(minutes=10))
    assert renewed.reserved_until == now + timedelta(minutes=25)
    Queue.objects.update(reserve_minutes=1)
    assert renew_claim(claim_id=claim.id, user=rob, now=now) == renewed


def test_a_person_who_leaves_mid_claim_is_refused_and_others_get_the_item(queue: Queue, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    Membership.objects.filter(user=rob).delete()
    for act in (
        lambda: submit.submit_verdict(claim_id=claim.id, user=rob, kind="agree"),
        lambda: renew_claim(claim_id=claim.id, user=rob),
    ):
        with pytest.raises(roles.NotAMember):
            act()
    assert queue_items.claim_next_item(rita, now=claim.reserved_until).item.id == 1


def test_nothing_about_the_proposal_is_read_before_the_first_answer(queue: Queue, rob: User) -> None:
    secret = "kangaroo"
    queue_items.enqueue_items(
        1,
        answer_first=True,
        proposal=secret,
        alternatives=[{"answer": secret}],
        field_hints={secret: 1.0},
        why={"message": secret, "params": {}},
        model=secret,
        lane=Lane.CHECKS,
        source="test",
    )
    claim = queue_items.claim_next_item(rob)
    assert (claim.answer_first, claim.revealed) == (True, False)
    shown = json.dumps(asdict(claim), default=str)
    assert secret not in shown
    assert "lane" not in shown
    assert "source" not in shown
    assert list(claim.item.answers) == ["billing", "refund", "card_arrival"]


def test_an_audit_and_an_ordinary_item_look_the_same(queue: Queue, rob: User) -> None:
    def blank(claim: Claim) -> dict[str, Any]:
        told = asdict(claim)
        for name in ("id", "reference"):
            del told["item"][name]
        return told | {"id": None, "reserved_until": None}

    queue_items.enqueue_items(1, answer_first=True)
    queue_items.enqueue_items(2, answer_first=True, lane=Lane.CHECKS, source="audit")
    assert blank(queue_items.claim_next_item(rob)) == blank(queue_items.claim_next_item(rob))


def test_a_claim_uses_the_guidelines_in_force_when_it_was_reserved(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, 2)
    first = queue_items.claim_next_item(rob)
    Guideline.objects.create(queue=queue, number=2, text="new")
    assert claim_claim(rob, first.id).item.guideline_number == 1
    assert queue_items.claim_next_item(rob, now=queue_items.time_when_final()).item.guideline_number == 2


def test_held_claims_can_be_listed_by_queue(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    assert list_held_claims(rob, "intents") == [claim]
    assert list_held_claims(rob, "elsewhere") == []
    assert list_held_claims(rob, now=claim.reserved_until) == []


def test_a_claim_costs_few_statements(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    with CaptureQueriesContext(connection) as captured:
        queue_items.claim_next_item(rob, rng=Always(0.9))
    assert len(captured) <= 5


def test_a_final_say_on_an_answer_first_item_does_not_reveal_an_audit(queue: Queue, rob: User, ann: User) -> None:
    queue_items.enqueue_items(1, answer_first=True, undo_seconds=0)
    queue_items.judge_next(rob, "escalate")
    queue_items.settle_verdicts()
    claim = queue_items.claim_next_item(ann)
    assert claim.final_say
    assert claim.item.proposal == "refund"
    assert (claim.item.alternatives, claim.item.why, claim.item.field_hints) == ([], {}, {})
