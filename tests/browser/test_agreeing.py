"""Agreeing never drops a change, and actions send no answer fields."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from reviewqueue.models import AnswerSchema, Queue, User, Verdict
from tests.helpers import queue_items
from tests.helpers.desk_page import DESK_URL, expect_item
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SCHEMA = {
    "type": "object",
    "properties": {"shop": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}},
}


@pytest.fixture
def forms(queue: Queue) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="labels", answers=["price", "service"])
    AnswerSchema.objects.create(queue=queue, number=3, kind="structured", schema=SCHEMA)


def _refused(page: Page) -> None:
    """Agreeing says that it waits, and sends nothing."""
    agree = page.locator("button[value=agree]")
    expect(agree).to_have_attribute("aria-disabled", "true")
    expect(agree).to_contain_text("edited")
    page.locator("#item").focus()
    page.keyboard.press("a")
    expect(page.get_by_text("You changed the answer. Send your answer, or restore the AI’s.")).to_be_visible()  # noqa: RUF001
    agree.click(force=True)
    assert not Verdict.objects.exists()


@pytest.mark.usefixtures("forms")
def test_changed_ticks_are_not_dropped_by_agreeing(sign_in: SignInFixture, rob: User) -> None:
    queue_items.enqueue_items(1, schema_number=2, proposal=["price"], alternatives=[])
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.get_by_role("checkbox", name="Service").check()
    _refused(page)
    page.get_by_role("checkbox", name="Service").uncheck()
    expect(page.get_by_text("You changed the answer. Send")).to_have_count(0)
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="No items to review")).to_be_visible()
    assert Verdict.objects.get().kind == "agree"


@pytest.mark.usefixtures("forms")
def test_changed_fields_and_lines_are_not_dropped_by_agreeing(sign_in: SignInFixture, rob: User) -> None:
    queue_items.enqueue_items(1, schema_number=3, proposal={"shop": "ACME", "tags": ["a"]}, alternatives=[])
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    agree = page.locator("button[value=agree]")
    page.get_by_label("Shop").fill("Other")
    _refused(page)
    page.get_by_role("button", name="Restore").first.click()
    expect(agree).not_to_have_attribute("aria-disabled", "true")
    page.get_by_role("button", name="Remove this line").click()
    _refused(page)
    page.get_by_role("button", name="Restore the AI").click()
    expect(agree).not_to_have_attribute("aria-disabled", "true")
    agree.click()
    expect(page.get_by_role("heading", name="No items to review")).to_be_visible()
    assert Verdict.objects.get().kind == "agree"


@pytest.mark.usefixtures("forms")
def test_an_answer_too_long_to_send_shows_a_notice_and_blocks_no_action(sign_in: SignInFixture, rob: User) -> None:
    queue_items.enqueue_items(1, schema_number=3, proposal={"shop": "ACME"}, alternatives=[])
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.get_by_label("Shop").evaluate("field => { field.value = 'x'.repeat(2_700_000); }")
    page.locator(".choice[data-send]").click()
    expect(page.get_by_text("too long to send")).to_be_visible()
    page.get_by_role("button", name="None of these").click()
    expect(page.get_by_role("heading", name="No items to review")).to_be_visible()
    assert Verdict.objects.get().kind == "none"
