"""Reading in a real browser: search, folding, marks and text changes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from reviewqueue.models import AnswerSchema, Queue, User, Verdict
from tests.helpers import queue_items
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DESK = "/queues/intents/"
LONG = "\n\n".join(f"Paragraph {number} says little. " + "Words and words. " * 20 for number in range(1, 41))


def _open(sign_in: SignInFixture, person: User, **options: object) -> Page:
    page = sign_in(person, DESK, **options)
    expect(page.locator("#desk[data-ready]")).to_be_attached()
    return page


def _highlighted(page: Page, name: str = "found") -> int:
    found: int = page.evaluate("name => CSS.highlights.get(name)?.size ?? 0", name)
    return found


def test_searching_a_long_text_by_keyboard_does_not_move_the_page(sign_in: SignInFixture, rob: User) -> None:
    queue_items.enqueue_items(1, input={"text": LONG})
    page = _open(sign_in, rob)
    page.keyboard.press("/")
    box = page.get_by_role("searchbox", name="Find in the text")
    expect(box).to_be_focused()
    page.keyboard.type("paragraph 3")
    count = page.locator("[data-found]")
    expect(count).to_have_text("1 of 11")
    assert _highlighted(page) == 11
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(count).to_have_text("3 of 11")
    page.keyboard.press("Shift+Enter")
    expect(count).to_have_text("2 of 11")
    assert page.evaluate("document.getElementById('item').scrollTop") > 1000
    assert page.evaluate("document.scrollingElement.scrollTop") == 0
    page.keyboard.press("Escape")
    expect(page.locator("#item")).to_be_focused()
    assert _highlighted(page) == 0
    assert not Verdict.objects.exists()


def test_search_matches_across_marks_and_lines_and_is_literal(sign_in: SignInFixture, rob: User) -> None:
    text = "I was charged\ntwice (really?) " + LONG
    queue_items.enqueue_items(1, input={"text": text, "spans": [{"start": 6, "end": 13, "label": "issue"}]})
    page = _open(sign_in, rob)
    box = page.get_by_role("searchbox", name="Find in the text")
    for wanted, told in [("(REALLY?)", "1 of 1"), (".*", "Not found"), ("was  charged", "1 of 1"), ("", "")]:
        box.fill(wanted)
        expect(page.locator("[data-found]")).to_have_text(told)


def test_text_search_has_its_own_shortcut_if_answers_are_searchable(
    sign_in: SignInFixture, rob: User, queue: Queue
) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="label", answers=[f"intent_{n}_x" for n in range(77)])
    queue_items.enqueue_items(1, schema_number=2, proposal="intent_7_x", alternatives=[], input={"text": LONG})
    page = _open(sign_in, rob)
    page.keyboard.press("q")
    expect(page.get_by_role("searchbox", name="Find in the text")).to_be_focused()


def test_search_matches_are_dropped_with_the_item(sign_in: SignInFixture, rob: User) -> None:
    queue_items.enqueue_items(1, 2, input={"text": LONG})
    page = _open(sign_in, rob)
    page.get_by_role("searchbox", name="Find in the text").fill("words")
    expect(page.locator("[data-found]")).to_have_text("1 of 1,600")
    page.get_by_role("button", name="Billing").click()
    expect(page.locator("#desk[data-ready]")).to_be_attached()
    expect(page.locator("[data-found]")).to_have_text("")
    assert _highlighted(page) == _highlighted(page, "found-here") == 0


def test_one_key_folds_all_data_and_a_match_opens_its_fold(sign_in: SignInFixture, rob: User) -> None:
    data = {"lines": [{"sku": f"part-{n}", "note": "x" * 60} for n in range(40)], "to": {"name": {"first": "Ada"}}}
    queue_items.enqueue_items(1, input=data)
    page = _open(sign_in, rob)
    last = page.get_by_text('"part-39"')
    expect(last).to_be_hidden()
    page.keyboard.press("v")
    expect(last).to_be_visible()
    page.keyboard.press("v")
    expect(page.get_by_text('"Ada"')).to_be_hidden()
    page.get_by_role("button", name="Expand all").click()
    expect(page.get_by_text('"Ada"')).to_be_visible()
    page.get_by_role("button", name="Collapse all").click()
    page.keyboard.press("/")
    page.keyboard.type("part-39")
    expect(last).to_be_in_viewport()


def test_the_marks_of_a_label_can_be_switched_off_and_on(sign_in: SignInFixture, rob: User) -> None:
    places = [{"start": 0, "end": 1, "label": "who"}, {"start": 6, "end": 13, "label": "what"}]
    queue_items.enqueue_items(1, input={"text": "I was charged twice", "spans": places})
    page = _open(sign_in, rob)
    page.get_by_role("checkbox", name="what").uncheck()
    expect(page.locator(".span-name", has_text="what")).to_be_hidden()
    expect(page.locator(".span-name", has_text="who")).to_be_visible()
    page.get_by_role("checkbox", name="what").check()
    expect(page.locator(".span-name", has_text="what")).to_be_visible()


@pytest.mark.parametrize("scripted", [True, False])
def test_changes_can_be_shown_together_or_one_version_alone(
    sign_in: SignInFixture, rob: User, queue: Queue, scripted: bool
) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="structured", schema={"type": "object"})
    before, after = "I was charged twice for one order.", "I was billed twice for one order."
    queue_items.enqueue_items(1, schema_number=2, input={"text": before}, proposal={"text": after}, alternatives=[])
    page = sign_in(rob, DESK, java_script_enabled=scripted)
    expect(page.locator("del")).to_be_visible()
    page.get_by_text("Result", exact=True).click()
    expect(page.locator("del")).to_be_hidden()
    expect(page.locator("ins")).to_be_visible()
    page.get_by_text("Original", exact=True).click()
    expect(page.locator("ins")).to_be_hidden()
    expect(page.locator("del")).to_be_visible()


def test_each_paragraph_and_line_has_its_own_direction(sign_in: SignInFixture, rob: User) -> None:
    queue_items.enqueue_items(1, input={"text": "Hello there\nשלום עולם\n\nمرحبا"}, language="he")  # noqa: RUF001 - other scripts
    page = _open(sign_in, rob)
    assert page.locator(".content-text").get_attribute("lang") == "he"
    assert page.locator(".content-text p").nth(1).evaluate("p => getComputedStyle(p).direction") == "rtl"
    edges = page.locator(".content-text p").first.evaluate(
        """p => { const all = new Range(); all.selectNodeContents(p); const box = p.getBoundingClientRect();
                 return [...all.getClientRects()].map(line => [line.left - box.left, box.right - line.right]); }"""
    )
    assert edges[0][0] < 2 < edges[0][1]
    assert edges[-1][1] < 2 < edges[-1][0]


def test_a_fact_in_another_direction_stays_beside_its_name(sign_in: SignInFixture, rob: User) -> None:
    queue_items.enqueue_items(1, context={"order": "A-4471", "customer": "דנה"})
    page = _open(sign_in, rob)
    lefts = page.locator(".item-context dd").evaluate_all(
        """all => all.map(one => { const text = new Range(); text.selectNodeContents(one);
             return Math.round(text.getBoundingClientRect().left); })"""
    )
    assert lefts[0] == lefts[1]
