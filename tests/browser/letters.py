"""Letters that wait in a queue, and the desk once one of them is on it: what most tests of the desk begin with."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.reviewqueue import items

DESK = "/queues/intents/"


def enqueue(*numbers: int, **fields: Any) -> None:
    for number in numbers:
        items.enqueue(number, input={"text": f"Letter {number}."}, **fields)


def ready(page: Page, text: str = "") -> None:
    """An item with this text is on screen and open for answers."""
    expect(page.locator("#desk[data-ready] #item")).to_contain_text(text)
