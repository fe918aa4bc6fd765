"""Answering in a real browser: fields by keyboard, searchable lists, checkboxes and two candidates."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from reviewqueue.models import AnswerSchema, Queue, User, Verdict
from tests.helpers import invoices, queue_items
from tests.helpers.desk_page import DESK_URL, expect_item
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def invoice(queue: Queue) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="structured", schema=invoices.SCHEMA)


def _invoices(*numbers: int, **fields: Any) -> None:
    told: dict[str, Any] = {"proposal": invoices.ANSWER, "field_hints": invoices.HINTS} | fields
    for number in numbers:
        queue_items.enqueue_items(
            number, schema_number=2, input={"text": f"Invoice {number}."}, alternatives=[], **told
        )


def _done(page: Page) -> None:
    expect(page.get_by_role("heading", name="No items to review")).to_be_visible()


def _tabbed(page: Page, times: int) -> list[str]:
    """What so many presses of Tab go through, by name."""
    names = []
    for _ in range(times):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()"))
    return names


@pytest.mark.usefixtures("invoice")
def test_tab_stops_only_at_uncertain_fields(sign_in: SignInFixture, rob: User) -> None:
    _invoices(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.locator("button[data-key=a]").focus()
    assert _tabbed(page, 3) == ["date/issued", "number/total", "number/lines/0/amount"]
    expect(page.get_by_label("Supplier")).to_be_hidden()
    expect(page.get_by_text("Muster & Sohn GmbH", exact=True)).to_be_visible()


@pytest.mark.usefixtures("invoice")
def test_one_key_opens_all_fields_also_for_the_next_item(sign_in: SignInFixture, rob: User) -> None:
    _invoices(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Invoice 1.")
    page.keyboard.press("f")
    expect(page.get_by_label("Supplier")).to_be_focused()
    expect(page.get_by_role("button", name="All fields")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Invoice number")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("Somebody else")
    page.keyboard.press("Control+Enter")
    expect_item(page, "Invoice 2.")
    assert Verdict.objects.get().answer == invoices.ANSWER | {"supplier": "Somebody else"}
    expect(page.get_by_label("Supplier")).to_be_visible()
    page.keyboard.press("f")
    expect(page.get_by_label("Supplier")).to_be_hidden()


@pytest.mark.usefixtures("invoice")
def test_enter_moves_through_uncertain_fields_and_sends_from_the_last(sign_in: SignInFixture, rob: User) -> None:
    _invoices(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.locator("[name='number/total']").fill("120")
    page.keyboard.press("Enter")
    expect(page.locator("[name='number/lines/0/amount']")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator("[name='number/total']")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.type("20")
    assert not Verdict.objects.exists()
    page.keyboard.press("Enter")
    _done(page)
    answer = copy.deepcopy(invoices.ANSWER)
    answer["total"], answer["lines"][0]["amount"] = 120, 20
    assert Verdict.objects.get().answer == answer


@pytest.mark.usefixtures("invoice")
def test_sending_the_unchanged_answer_counts_as_agreeing(sign_in: SignInFixture, rob: User) -> None:
    _invoices(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.keyboard.press("Enter")
    _done(page)
    assert Verdict.objects.get().kind == "agree"


@pytest.mark.usefixtures("invoice")
def test_a_changed_field_shows_the_ais_value_and_can_be_restored(sign_in: SignInFixture, rob: User) -> None:
    _invoices(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    total = page.locator("[data-pointer='/total']")
    expect(total.get_by_text("The AI:")).to_be_hidden()
    total.locator("input").fill("12")
    expect(total.get_by_text("The AI: 119.0")).to_be_visible()
    total.locator("input").fill("119.0")
    expect(total.get_by_text("The AI:")).to_be_hidden()
    total.locator("input").fill("12")
    total.get_by_role("button", name="Restore").click()
    expect(total.locator("input")).to_have_value("119.0")
    expect(total.locator("input")).to_be_focused()


@pytest.mark.usefixtures("invoice")
def test_errors_appear_at_their_fields_and_input_is_kept(sign_in: SignInFixture, rob: User) -> None:
    _invoices(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.keyboard.press("f")
    page.locator("[name='number/discount']").fill("200")
    page.locator("[name='text/supplier']").fill("")
    page.locator("[name='number/total']").fill("-1")
    page.keyboard.press("Control+Enter")
    supplier = page.locator("[name='text/supplier']")
    expect(supplier).to_be_focused()
    expect(supplier).to_have_attribute("aria-invalid", "true")
    expect(supplier).to_have_accessible_description("This field is required.")
    expect(page.locator("[name='number/total']")).to_have_accessible_description("This must be at least 0.")
    expect(page.locator("[name='number/discount']")).to_have_value("200")
    supplier.fill("ACME")
    expect(supplier).not_to_have_attribute("aria-invalid", "true")
    page.locator("[name='number/total']").fill("1")
    page.locator("[name='number/discount']").fill("20")
    page.keyboard.press("Control+Enter")
    _done(page)


@pytest.mark.usefixtures("invoice")
def test_an_error_in_a_collapsed_field_opens_it(sign_in: SignInFixture, rob: User) -> None:
    _invoices(1, proposal=invoices.ANSWER | {"discount": 500})
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.locator("[name='number/total']").fill("5")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[name='number/discount']")).to_be_focused()


@pytest.mark.usefixtures("invoice")
def test_lines_can_be_added_removed_and_restored(sign_in: SignInFixture, rob: User) -> None:
    _invoices(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.keyboard.press("f")
    lines = page.locator("[data-lines][data-pointer='/lines']")
    lines.get_by_role("button", name="Remove this line").first.click()
    expect(lines.get_by_role("group", name="Line 1")).to_be_visible()
    expect(lines.get_by_label("Description")).to_have_value("Delivery")
    lines.get_by_role("button", name="Add a line").click()
    expect(page.locator("[name='text/lines/1/description']")).to_be_focused()
    page.keyboard.type("Ink")
    page.locator("[name='number/lines/1/amount']").fill("7")
    page.keyboard.press("Control+Enter")
    _done(page)
    answer: Any = Verdict.objects.get().answer
    assert answer["lines"] == [
        {"description": "Delivery", "amount": 100}, {"description": "Ink", "amount": 7}
    ]  # fmt: skip

    _invoices(2)
    page.goto(DESK_URL)
    expect_item(page, "Invoice 2.")
    lines.get_by_role("button", name="Remove this line").first.click()
    lines.get_by_role("button", name=re.compile("Restore the AI.s lines")).click()
    page.keyboard.press("Control+Enter")
    _done(page)
    assert Verdict.objects.order_by("-id")[0].kind == "agree"


@pytest.mark.usefixtures("invoice")
def test_added_and_removed_lines_survive_a_reload(sign_in: SignInFixture, rob: User) -> None:
    _invoices(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.keyboard.press("f")
    lines = page.locator("[data-lines][data-pointer='/lines']")
    lines.get_by_role("button", name="Remove this line").first.click()
    for place in (1, 2):
        lines.get_by_role("button", name="Add a line").click()
        page.locator(f"[name='text/lines/{place}/description']").fill(f"Ink {place}")
    page.locator("[data-lines][data-pointer='/tags']").get_by_role("button", name="Remove this line").click()
    page.reload()
    expect_item(page)
    expect(lines.get_by_label("Description")).to_have_count(3)
    assert [field.input_value() for field in lines.get_by_label("Description").all()] == ["Delivery", "Ink 1", "Ink 2"]
    expect(page.locator("[data-lines][data-pointer='/tags'] [data-line]")).to_have_count(0)


@pytest.mark.usefixtures("invoice")
def test_a_list_cannot_exceed_its_maximum_length(sign_in: SignInFixture, rob: User) -> None:
    _invoices(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.keyboard.press("f")
    lines = page.locator("[data-lines][data-pointer='/lines']")
    for _ in range(6):
        lines.get_by_role("button", name="Add a line").click()
    expect(lines.get_by_role("group")).to_have_count(5)
    page.keyboard.press("Control+Enter")
    _done(page)
    assert Verdict.objects.get().kind == "agree"


@pytest.mark.usefixtures("invoice")
def test_answer_first_opens_all_fields_and_then_compares_with_the_ai(sign_in: SignInFixture, rob: User) -> None:
    _invoices(1, answer_first=True)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    assert "119" not in page.locator(".panel").inner_html()
    expect(page.get_by_role("button", name="All fields")).to_have_count(0)
    page.get_by_label("Supplier").fill("Muster & Sohn GmbH")
    page.get_by_label("Total").fill("19")
    page.get_by_label("Currency").select_option("EUR")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-pointer='/total']").get_by_text("The AI: 119.0")).to_be_visible()
    expect(page.get_by_label("Total")).to_have_value("19")
    expect_item(page)
    page.keyboard.press("Enter")
    _done(page)
    assert Verdict.objects.get().answer == {"supplier": "Muster & Sohn GmbH", "total": 19, "currency": "EUR"}


@pytest.mark.usefixtures("invoice")
def test_without_javascript_all_fields_are_open_with_a_spare_line(sign_in: SignInFixture, rob: User) -> None:
    _invoices(1)
    page = sign_in(rob, DESK_URL, java_script_enabled=False)
    page.get_by_label("Supplier").fill("")
    page.locator("[name='text/lines/2/description']").fill("Ink")
    page.locator("[name='number/lines/2/amount']").fill("7")
    page.get_by_role("button", name="Send this answer").click()
    expect(page.get_by_label("Supplier")).to_have_accessible_description("This field is required.")
    expect(page.locator("[name='text/lines/2/description']")).to_have_value("Ink")
    page.get_by_label("Supplier").fill("ACME")
    page.get_by_role("button", name="Send this answer").click()
    expect(page.get_by_role("heading", name="No items to review")).to_be_visible()
    answer: Any = Verdict.objects.get().answer
    assert answer["lines"] == [*invoices.ANSWER["lines"], {"description": "Ink", "amount": 7}]
    assert answer["supplier"] == "ACME"


MANY = ["Überweisung", "card_arrival", "card_lost", "lost_in_the_post", *(f"topic_{number}" for number in range(73))]


@pytest.fixture
def many(queue: Queue) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="label", answers=MANY)
    AnswerSchema.objects.create(queue=queue, number=3, kind="labels", answers=MANY)


def _letters(*numbers: int, **fields: Any) -> None:
    for number in numbers:
        queue_items.enqueue_items(
            number, input={"text": f"Letter {number}."}, **{"proposal": "card_lost", "alternatives": []} | fields
        )


def _shown(page: Page) -> list[str]:
    return page.locator("[data-choices] .choice:visible .choice-label").all_inner_texts()


@pytest.mark.usefixtures("many")
def test_a_long_list_is_searched_by_typing(sign_in: SignInFixture, rob: User) -> None:
    _letters(1, 2, schema_number=2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    page.keyboard.press("/")
    field = page.get_by_role("combobox", name="Find an answer")
    expect(field).to_be_focused()
    page.keyboard.type("lost")
    assert _shown(page) == ["Lost in the post", "Card lost"]
    expect(page.get_by_role("option", selected=True)).to_have_text(re.compile("Lost in the post"))
    page.keyboard.press("ArrowDown")
    chosen = page.get_by_role("option", selected=True)
    expect(chosen).to_have_text(re.compile("Card lost"))
    expect(field).to_have_attribute("aria-activedescendant", str(chosen.get_attribute("id")))
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(field).to_have_value("")
    expect(field).to_be_focused()
    assert len(_shown(page)) == len(MANY)
    page.keyboard.press("Escape")
    expect(field).not_to_be_focused()
    page.keyboard.press("/")
    page.keyboard.type("uber")
    page.keyboard.press("Enter")
    expect_item(page, "Letter 2.")
    assert Verdict.objects.get().answer == "Überweisung"


@pytest.mark.usefixtures("many")
def test_enter_takes_only_a_highlighted_answer(sign_in: SignInFixture, rob: User) -> None:
    _letters(1, 2, schema_number=2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    page.keyboard.press("/")
    page.keyboard.press("Enter")
    page.keyboard.type("no such answer")
    expect(page.get_by_text("No matching answers")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("1")
    page.get_by_role("button", name="None of these").click()
    expect_item(page, "Letter 2.")
    assert Verdict.objects.get().kind == "none"


@pytest.mark.usefixtures("many")
def test_the_highlighted_answer_can_be_sent_from_the_note(sign_in: SignInFixture, rob: User) -> None:
    _letters(1, 2, schema_number=2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    page.keyboard.press("/")
    page.keyboard.type("uber")
    page.get_by_label("Note").fill("to my bank")
    page.keyboard.press("Control+Enter")
    expect_item(page, "Letter 2.")
    verdict = Verdict.objects.get()
    assert (verdict.answer, verdict.note) == ("Überweisung", "to my bank")


@pytest.mark.usefixtures("many")
def test_a_long_list_is_a_single_tab_stop(sign_in: SignInFixture, rob: User) -> None:
    _letters(1, schema_number=2)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.get_by_role("combobox", name="Find an answer").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("option").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option").nth(1)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="None of these")).to_be_focused()


@pytest.mark.usefixtures("many")
def test_ticks_are_searched_counted_and_cleared(sign_in: SignInFixture, rob: User) -> None:
    _letters(1, schema_number=3, proposal=["card_lost", "topic_9"])
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    assert _shown(page)[:2] == ["Card lost", "Topic 9"]
    expect(page.get_by_text("2 ticked")).to_be_visible()
    page.get_by_role("button", name="Clear all").click()
    expect(page.get_by_text("Nothing ticked")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("searchbox", name="Find an answer").focus()
    page.keyboard.type("post")
    page.keyboard.press("Enter")
    page.keyboard.type("ÜBER")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Überweisung: ticked")).to_be_attached()
    expect(page.locator("[data-send]")).to_contain_text("2")
    page.keyboard.press("Control+Enter")
    _done(page)
    assert Verdict.objects.get().answer == ["Überweisung", "lost_in_the_post"]


@pytest.mark.usefixtures("many")
def test_sending_the_ais_ticks_is_agreeing(sign_in: SignInFixture, rob: User) -> None:
    _letters(1, schema_number=3, proposal=["card_lost", "topic_9"])
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.keyboard.press("Enter")
    _done(page)
    assert Verdict.objects.get().kind == "agree"


def test_two_candidates_use_the_keys_one_two_and_zero(sign_in: SignInFixture, rob: User, queue: Queue) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="label", answers=["first", "second", "equal"])
    for number in (1, 2, 3):
        candidates = [f"Letter {number}.", "Another."]
        queue_items.enqueue_items(
            number, schema_number=2, input={"candidates": candidates}, proposal="first", alternatives=[]
        )
    page = sign_in(rob, DESK_URL)
    for number, key in ((1, "0"), (2, "2"), (3, "1")):
        expect_item(page, f"Letter {number}.")
        page.keyboard.press(key)
    _done(page)
    assert list(Verdict.objects.order_by("id").values_list("answer", flat=True)) == ["equal", "second", "first"]
