"""Numbers use the reader's locale, whether rendered by the server or by a script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from reviewqueue.models import User
from tests.helpers import queue_items
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DESK = "/queues/intents/"
DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
INPUT = {
    "images": [DOT, "data:image/png;base64," + "A" * 1500],
    "text": "word " * 1200,
    "rows": [{"number": place, "name": None} for place in range(1001)],
    "data": [0] * 1300,
}


@pytest.mark.parametrize(
    ("locale", "group", "decimal"), [("de-DE", ".", ","), ("en-GB", ",", "."), ("es-ES", "\u00a0", ",")]
)
def test_numbers_use_the_readers_locale(
    sign_in: SignInFixture, rob: User, locale: str, group: str, decimal: str
) -> None:
    queue_items.enqueue_items(1, input=INPUT)
    page = sign_in(rob, DESK, locale=locale)
    expect(page.locator("#desk[data-ready]")).to_be_attached()
    expect(page.locator(".find-extent")).to_have_text(f"1{group}200 words")
    expect(page.locator(".picture-broken:visible")).to_contain_text(f"1{decimal}5\u00a0KB")
    expect(page.locator(".content-table .content-label")).to_contain_text(f"of 1{group}001 rows")
    expect(page.locator(".tree-size")).to_have_text(f"1{group}300 entries")
    expect(page.locator("[data-zoom-level]").first).to_have_text(re.compile(rf"^\d+{re.escape(group)}\d{{3}}\s%$"))
    _find(page, "word")
    expect(page.locator("[data-found]")).to_have_text(f"1 of 1{group}200")


def _find(page: Page, text: str) -> None:
    page.locator("[data-find]").fill(text)
