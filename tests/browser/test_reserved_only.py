"""Only items reserved for a person reach their browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from reviewqueue.models import Slot, User
from tests.helpers import browser_network, queue_items
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DESK = "/queues/intents/"
# One word for each part of an item that a page might show, with the item's number in it.
MARK = re.compile(r"(?:text|fact|ref|model)mark(\d+)x")


class Reader:
    """Somebody at the desk, and whose items came over their network when these were not theirs."""

    def __init__(self, page: Page, user: User) -> None:
        self.page = page
        self.user = user
        self.read: set[int] = set()
        self.leaked: list[str] = []
        self._bodies: list[tuple[str, str]] = []
        browser_network.listen_to_responses(page, lambda url, body: self._bodies.append((url, body)))

    def open(self, path: str) -> None:
        self.page.goto(path)
        expect(self.page.locator("#desk[data-ready]")).to_be_visible()
        self._look()

    def press(self, key: str) -> None:
        """Once the item is on screen; then wait for another."""
        before = self.page.locator("#desk").get_attribute("data-claim")
        self.page.keyboard.press(key)
        expect(self.page.locator(f'#desk[data-ready]:not([data-claim="{before}"])')).to_be_visible()
        self._look()

    def _look(self) -> None:
        """Nobody else's at this moment; the person who decided an item stays the holder of its slot."""
        theirs = set(Slot.objects.filter(holder=self.user).values_list("item_id", flat=True))
        for url, body in self._bodies:
            found = {int(number) for number in MARK.findall(body)}
            self.leaked += [f"{number} in {url}" for number in sorted(found - theirs)]
            self.read |= found
        self._bodies.clear()


def _enqueue(*numbers: int) -> None:
    for number in numbers:
        queue_items.enqueue_items(
            number,
            input={"text": f"textmark{number}x"},
            context={"about": f"factmark{number}x"},
            reference=f"refmark{number}x",
            model=f"modelmark{number}x",
        )


def test_only_reserved_items_reach_a_reviewers_browser(sign_in: SignInFixture, rob: User, rita: User) -> None:
    _enqueue(*range(1, 31))
    readers = [Reader(sign_in(person), person) for person in (rob, rita)]
    for reader in readers:
        reader.open(DESK)
    for number in range(10):
        for reader in readers:
            reader.press("a1x"[number % 3])
    for reader in readers:
        reader.press("u")
        reader.open(DESK)
    for reader in readers:
        reader.page.unroute_all(behavior="wait")
    rob_read, rita_read = (reader.read for reader in readers)
    assert [reader.leaked for reader in readers] == [[], []]
    assert (len(rob_read), len(rita_read)) == (11, 11)
    assert not rob_read & rita_read
