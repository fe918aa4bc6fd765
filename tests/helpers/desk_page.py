"""Letters that wait in a queue, and the desk once one of them is on it: what most tests of the desk begin with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.helpers import queue_items

DESK_URL = "/queues/intents/"


def enqueue_letters(*numbers: int, **fields: Any) -> None:
    for number in numbers:
        queue_items.enqueue_items(number, input={"text": f"Letter {number}."}, **fields)


def expect_item(page: Page, text: str = "") -> None:
    """An item with this text is on screen and open for answers."""
    expect(page.locator("#desk[data-ready] #item")).to_contain_text(text)


def pause_clock(page: Page) -> None:
    """From here on no time passes in the page, so that nothing is sent again by itself until it does."""
    page.clock.install()
    page.clock.pause_at(timezone.now() + timedelta(seconds=20))


def expect_draft_saved(page: Page) -> None:
    """What was typed is a draft on the server."""
    expect(page.get_by_text("Draft kept", exact=True)).to_be_visible()
