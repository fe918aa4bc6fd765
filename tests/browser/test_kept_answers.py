"""Answers in drafts: none ticked differs from no answer, and a list can be empty."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from reviewqueue.models import AnswerSchema, Queue, User
from tests.helpers import queue_items
from tests.helpers.browser_network import block_fetch
from tests.helpers.desk_page import DESK_URL, expect_draft_saved, expect_item
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ticks(queue: Queue) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="labels", answers=["price", "service", "delivery"])


@pytest.mark.usefixtures("ticks")
def test_restoring_an_early_note_keeps_the_first_answer_ticked(sign_in: SignInFixture, rob: User) -> None:
    queue_items.enqueue_items(1, schema_number=2, proposal=["price"], alternatives=[], answer_first=True)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.get_by_role("checkbox", name="Delivery").check()
    page.get_by_label("Note").fill("half a thought")
    expect_draft_saved(page)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("You answered: Delivery")).to_be_visible()
    expect(page.get_by_label("Note")).to_have_value("half a thought")
    expect(page.get_by_role("checkbox", name="Delivery")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Price")).not_to_be_checked()


@pytest.mark.usefixtures("ticks")
@pytest.mark.parametrize("forgotten", ["the server", "the browser"])
def test_none_ticked_comes_back_as_none_ticked(sign_in: SignInFixture, rob: User, forgotten: str) -> None:
    queue_items.enqueue_items(1, schema_number=2, proposal=["price"], alternatives=[])
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    if forgotten == "the server":
        block_fetch(page)
    page.get_by_role("checkbox", name="Price").uncheck()
    if forgotten == "the browser":
        expect_draft_saved(page)
        page.evaluate("localStorage.clear()")
    page.reload()
    expect(page.get_by_text("Nothing ticked")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Price")).not_to_be_checked()


@pytest.mark.parametrize("forgotten", ["the server", "the browser"])
def test_a_draft_restores_a_list_without_lines(sign_in: SignInFixture, rob: User, queue: Queue, forgotten: str) -> None:
    schema = {"type": "object", "properties": {"tags": {"type": "array", "items": {"type": "string"}}}}
    AnswerSchema.objects.create(queue=queue, number=2, kind="structured", schema=schema)
    queue_items.enqueue_items(1, schema_number=2, proposal={"tags": ["a", "b"]}, alternatives=[])
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    if forgotten == "the server":
        block_fetch(page)
    for _ in range(2):
        page.get_by_role("button", name="Remove this line").first.click()
    if forgotten == "the browser":
        expect_draft_saved(page)
        page.evaluate("localStorage.clear()")
    page.reload()
    expect_item(page)
    expect(page.locator("[data-line]")).to_have_count(0)
