"""The desk in a real browser: by keyboard, by touch, and when something fails."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from reviewqueue.models import AnswerSchema, FirstAnswer, Queue, Slot, User, Verdict
from reviewqueue.queue import items
from tests.helpers import browser_network
from tests.helpers.desk_page import DESK_URL, enqueue_letters, expect_item
from tests.helpers.queue_items import enqueue_items as items_enqueue
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def _done(page: Page) -> None:
    """The queue has nothing left for this person."""
    expect(page.get_by_role("heading", name="No items to review")).to_be_visible()


def test_thirty_items_can_be_reviewed_by_keyboard_alone(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(*range(1, 31))
    page = sign_in(rob, DESK_URL)
    page.evaluate("document.addEventListener('pointerdown', () => { window.pointed = true; })")
    for number, key in zip(range(1, 31), ["a", "1", "x", "t1", "e2", "2", "3", "a", "1", "a"] * 3, strict=True):
        expect_item(page, f"Letter {number}.")
        page.keyboard.type(key)
    _done(page)
    assert page.evaluate("window.pointed") is None
    kinds = list(Verdict.objects.order_by("id").values_list("kind", flat=True))
    assert kinds == 3 * [
        "agree", "correct", "none", "unjudgeable", "escalate", "agree", "correct", "agree", "correct", "agree"
    ]  # fmt: skip
    assert all(seconds is not None for seconds in Verdict.objects.values_list("active_seconds", flat=True))


def test_shortcuts_are_off_while_typing_in_dialogs_and_with_modifiers(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.keyboard.press("n")
    page.keyboard.type("a text with xste in it")
    expect(page.get_by_label("Note")).to_have_value("a text with xste in it")
    page.keyboard.press("Escape")
    for opener in ("g", "?"):
        page.keyboard.press(opener)
        expect(page.locator("dialog[open]")).to_be_visible()
        page.keyboard.press("a")
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("Control+a")
    page.keyboard.press("Shift+A")
    page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', repeat: true}))")
    page.keyboard.press("x")
    expect_item(page, "Letter 2.")
    verdict = Verdict.objects.get()
    assert (verdict.kind, verdict.note) == ("none", "a text with xste in it"), "no key before the last did anything"


def test_no_answer_is_sent_while_the_next_item_loads(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2, 3)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.evaluate(
        """() => { const press = () => document.body.dispatchEvent(
             new KeyboardEvent('keydown', {key: 'a', bubbles: true})); press(); press(); press(); }"""
    )
    expect_item(page, "Letter 2.")
    page.locator("button[data-key=a]").dblclick()
    expect_item(page, "Letter 3.")
    assert Verdict.objects.count() == 2


def test_single_keys_can_be_switched_off(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    page.keyboard.press("?")
    with page.expect_response("**/desk/switch/"):
        page.get_by_label("Turn off single-key shortcuts").check()
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    page.reload()
    expect_item(page, "Letter 1.")
    page.keyboard.press("a")
    page.get_by_role("button", name="None of these").click()
    expect_item(page, "Letter 2.")
    assert Verdict.objects.get().kind == "none"


def test_undo_brings_the_item_back_and_the_next_one_waits(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2, undo_seconds=600)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.keyboard.press("a")
    expect_item(page, "Letter 2.")
    page.keyboard.press("u")
    expect_item(page, "Letter 1.")
    page.keyboard.press("x")
    expect_item(page, "Letter 2.")
    assert list(Verdict.objects.counting().values_list("kind", flat=True)) == ["none"]


def test_the_focus_and_the_announcement_follow_the_item(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.keyboard.press("a")
    expect_item(page, "Letter 2.")
    assert page.evaluate("document.activeElement.id") == "item"
    expect(page.locator("#announcement")).to_have_text(re.compile("^New item. Reserved for you until "))


def test_a_late_answer_says_so_and_keeps_the_draft(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.get_by_label("Note").fill("half a thought")
    Slot.objects.update(reserved_until=timezone.now() - timedelta(seconds=1))
    page.locator("button[data-key=a]").click()
    expect(page.locator("#notice")).to_contain_text("Your reservation ran out")
    expect(page.get_by_label("Note")).to_have_value("half a thought")
    expect(page.locator("button[data-key=a]")).to_be_disabled()
    expect(page.get_by_role("button", name="Reserve it again")).to_be_focused()
    assert not Verdict.objects.exists()


def test_the_reservation_warns_and_can_be_extended(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = sign_in(rob)
    page.clock.install()
    page.goto(DESK_URL)
    _fast_forward(page, 14 * 60 + 10)
    expect(page.get_by_role("button", name="Extend")).to_be_visible()
    page.get_by_role("button", name="Extend").click()
    expect(page.get_by_role("button", name="Extend")).to_be_hidden()


def test_an_active_reviewer_keeps_the_item(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = sign_in(rob)
    page.clock.install()
    page.goto(DESK_URL)
    _fast_forward(page, 8 * 60)
    before = Slot.objects.get().reserved_until
    with page.expect_response("**/renewal/"):
        page.mouse.move(200, 200)
        page.clock.run_for(2000)
    after = Slot.objects.get().reserved_until
    assert before is not None
    assert after is not None
    assert after > before


def test_answer_first_sends_no_proposal_over_the_network(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, answer_first=True, proposal="card_arrival", model="moonlight-9")
    bodies: list[str] = []
    page = sign_in(rob)
    browser_network.listen_to_responses(page, lambda url, body: bodies.append(body) if "/queues/" in url else None)
    page.goto(DESK_URL)
    expect_item(page)
    expect(page.get_by_role("button", name="Agree with the AI")).to_have_count(0)
    assert bodies
    assert all("moonlight" not in body and "not sure" not in body for body in bodies)
    page.unroute_all(behavior="wait")
    page.keyboard.press("1")
    expect(page.get_by_text("You answered: Billing")).to_be_visible()
    expect_item(page)
    page.keyboard.press("a")
    _done(page)
    assert FirstAnswer.objects.get().answer == "billing"
    assert Verdict.objects.get().answer == "card_arrival"


def test_ticks_and_fields_are_sent_by_enter_and_enter_never_agrees(
    sign_in: SignInFixture, rob: User, queue: Queue
) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="labels", answers=["price", "service"])
    schema = {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}
    AnswerSchema.objects.create(queue=queue, number=3, kind="structured", schema=schema)
    enqueue_letters(1, schema_number=2, proposal=["price"], alternatives=[])
    enqueue_letters(2, schema_number=3, proposal={"total": 12}, alternatives=[])
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    page.keyboard.press("1")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect_item(page, "Letter 2.")
    page.get_by_label("Total").fill("17.5")
    page.keyboard.press("Enter")
    _done(page)
    assert list(Verdict.objects.order_by("id").values_list("answer", flat=True)) == [["service"], {"total": 17.5}]


def test_a_long_list_of_answers_is_searched(sign_in: SignInFixture, rob: User, queue: Queue) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="label", answers=[f"intent_{n}_x" for n in range(77)])
    enqueue_letters(1, schema_number=2, proposal="intent_7_x", alternatives=[])
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.keyboard.press("/")
    page.keyboard.type("intent 42")
    page.keyboard.press("Enter")
    _done(page)
    assert Verdict.objects.get().answer == "intent_42_x"


def test_a_withdrawn_item_says_so_before_it_is_answered(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    items.withdraw_items(item_ids=[1], actor="key:1")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as after looking at another window
    expect(page.locator("#notice")).to_contain_text("withdrawn by its sender")
    expect(page.get_by_role("button", name="Billing")).to_be_disabled()
    expect(page.get_by_role("link", name="Next item")).to_be_focused()


def test_a_withdrawn_item_says_so(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    items.withdraw_items(item_ids=[1], actor="key:1")
    page.keyboard.press("a")
    expect(page.locator("#notice")).to_contain_text("withdrawn by its sender")


def test_without_javascript_everything_is_a_form(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2, undo_seconds=600)
    page = sign_in(rob, DESK_URL, java_script_enabled=False)
    page.get_by_role("button", name="Billing").click()
    expect(page.locator("#item")).to_contain_text("Letter 2.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#item")).to_contain_text("Letter 1.")
    page.get_by_role("link", name="Guidelines").click()
    expect(page.get_by_text("money goes back")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 2560])
def test_no_width_scrolls_sideways_and_the_answers_are_in_reach(sign_in: SignInFixture, rob: User, width: int) -> None:
    items_enqueue(1, input={"text": "A sentence of some length. " * 60}, context={"key": "x" * 300})
    page = sign_in(rob, DESK_URL, viewport={"width": width, "height": 800})
    expect_item(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for name in (re.compile("Agree"), re.compile("Billing"), re.compile("None of these")):
        expect(page.get_by_role("button", name=name)).to_be_in_viewport()


def _fast_forward(page: Page, seconds: int) -> None:
    page.clock.fast_forward(seconds * 1000)
    page.clock.run_for(2000)
