"""Text items waiting in a queue, and the desk with one of them open: the start of most desk tests."""

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
    """Expect an item with this text on screen, ready for an answer."""
    expect(page.locator("#desk[data-ready] #item")).to_contain_text(text)


def pause_clock(page: Page) -> None:
    """Stop the page's clock, so that it retries nothing until time passes again."""
    page.clock.install()
    page.clock.pause_at(timezone.now() + timedelta(seconds=20))


def expect_draft_saved(page: Page) -> None:
    """Expect the input to be saved as a draft on the server."""
    expect(page.get_by_text("Draft saved", exact=True)).to_be_visible()
