"""Many items in one tab: no answer to an item that was not on screen, and no leaks."""

from __future__ import annotations

import pytest

from benchmarks import tab
from reviewqueue.models import User, Verdict
from tests.helpers import queue_items
from tests.helpers.processes import wait_until
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DESK = "/queues/intents/"
# What each key says of an item of the cast's, whose proposal is the second answer.
SAYS = {"1": "correct", "2": "agree", "3": "correct", "a": "agree", "x": "none"}


def test_a_burst_of_keys_never_answers_an_item_that_was_not_on_screen(sign_in: SignInFixture, rob: User) -> None:
    queue_items.enqueue_items(*range(1, 201))
    page = sign_in(rob)
    page.add_init_script(path=tab.WATCH)
    page.goto(DESK)
    tab.ready(page)
    presses = tab.burst(page, 60)
    sent = tab.sent(page)
    wait_until(lambda: Verdict.objects.count() >= len(sent))
    verdicts = {f"{verdict.slot_id}.{verdict.claim}": verdict.kind for verdict in Verdict.objects.all()}
    assert [one for one in sent if one.painted != one.claim] == []
    assert verdicts == {one.claim: SAYS[one.key] for one in sent}
    assert 60 <= len(verdicts) == len(sent) < presses


def test_reviewing_many_items_in_one_tab_leaks_nothing(sign_in: SignInFixture, rob: User) -> None:
    queue_items.enqueue_items(*range(1, 90))
    page = sign_in(rob, DESK)
    tab.ready(page)
    for _ in range(25):
        tab.judge(page)
    before = tab.memory(page)
    for _ in range(50):
        tab.judge(page)
    after = tab.memory(page)
    assert after.bytes < 1.2 * before.bytes
    # The browser keeps two texts an item for its own records, at most some hundreds; a desk that stays has hundreds.
    assert after.nodes < before.nodes + 50 * 10
    assert after.listeners <= 1.1 * before.listeners
