"""Invoices with 20 fields, of which three are asked for, by keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from reviewqueue.models import Queue, User, Verdict
from tests.helpers.asked_fields import build_document, enqueue_invoices
from tests.helpers.desk_page import DESK_URL, expect_item
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def _expect_fields(page: Page, *values: str) -> None:
    fields = page.locator("[data-asked] input:not([type=hidden])")
    expect(fields).to_have_count(3)
    for field, value in zip(fields.all(), values, strict=True):
        expect(field).to_have_value(value)


def test_three_fields_are_filled_in_blind_and_kept_without_a_mouse(
    sign_in: SignInFixture, queue: Queue, rob: User
) -> None:
    enqueue_invoices(1, answer_first=True)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    expect(page.get_by_label("City")).to_be_focused()
    _expect_fields(page, "", "", "")
    page.keyboard.type("Bern")
    page.keyboard.press("Enter")
    page.keyboard.type("2026-12-02")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Total")).to_be_focused()
    page.keyboard.type("119.00")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The AI: 191.0")).to_be_visible()
    expect(page.locator("[data-was]:visible")).to_have_count(1)
    expect(page.get_by_label("City")).to_be_focused()
    _expect_fields(page, "Bern", "2026-12-02", "119.00")
    expect_item(page)
    for _ in range(3):
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No items to review")).to_be_visible()
    assert Verdict.objects.get().answer == build_document(total=119.0)


def test_the_other_fields_open_by_a_key_and_stay_open(sign_in: SignInFixture, queue: Queue, rob: User) -> None:
    enqueue_invoices(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    supplier = page.get_by_text("Muster & Sohn GmbH")
    expect(supplier).to_be_hidden()
    expect(page.locator("[data-kept] :is(input, select, textarea)")).to_have_count(0)
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    expect(supplier).to_be_visible()
    expect_item(page)
    page.keyboard.press("a")
    expect(page.get_by_role("region", name="Recent decisions")).to_contain_text(re.compile("agreed"))
    expect(page.get_by_label("City")).to_be_focused()
    expect(supplier).to_be_visible()
