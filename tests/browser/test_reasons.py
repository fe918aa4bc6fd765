"""Reasons by one key, error types of corrections, and the opinions of a final say."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from reviewqueue.models import Pass, Queue, User, Verdict
from tests.helpers import queue_items
from tests.helpers.desk_page import DESK_URL, enqueue_letters, expect_item
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
OPEN = "[data-reasons]:popover-open"


def _done(page: Page) -> None:
    expect(page.get_by_role("heading", name="No items to review")).to_be_visible()


@pytest.mark.parametrize(
    ("key", "name", "digit", "reason"),
    [
        ("t", "Why can’t it be judged?", "4", "wrong_stream"),  # noqa: RUF001 - an apostrophe
        ("e", "Why ask the lead?", "3", "special_knowledge"),
        ("s", "Why pass it to someone else?", "1", "not_my_field"),
    ],
)
def test_two_keys_give_the_action_and_its_reason(
    sign_in: SignInFixture, rob: User, key: str, name: str, digit: str, reason: str
) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    page.keyboard.press(key)
    expect(page.get_by_role("dialog", name=name)).to_be_visible()
    expect(page.locator(f"{OPEN} button").first).to_be_focused()
    assert not Verdict.objects.exists()
    page.keyboard.press(digit)
    expect_item(page, "Letter 2.")
    given = [*Verdict.objects.values_list("reason", flat=True), *Pass.objects.values_list("reason", flat=True)]
    assert given == [reason]


def test_open_reasons_take_all_keys_and_escape_returns_the_focus(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.locator("#item").focus()
    page.keyboard.press("t")
    expect(page.locator(OPEN)).to_be_visible()
    for dead in ("a", "x", "s", "e", "n", "g", "?", "9", "u", "Control+1", "Alt+1", "Meta+1"):
        page.keyboard.press(dead)
    expect(page.locator(OPEN)).to_have_count(1)
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator(OPEN)).to_have_count(0)
    expect(page.locator("#item")).to_be_focused()
    assert not Verdict.objects.exists()
    page.keyboard.press("1")
    _done(page)
    assert Verdict.objects.get().answer == "billing"


def test_a_click_opens_the_reasons_and_another_sends_one(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.get_by_role("button", name="Pass").click()
    page.get_by_role("button", name="I need a break from this kind of item").click()
    _done(page)
    assert Pass.objects.get().reason == "need_a_break"


def test_reasons_open_at_their_button_and_stay_visible(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    for width in (320, 1280):
        page = sign_in(rob, DESK_URL, viewport={"width": width, "height": 720})
        expect_item(page)
        for name in ("Can’t be judged", "Ask the lead", "Pass"):  # noqa: RUF001 - an apostrophe
            page.get_by_role("button", name=name).click()
            for button in page.locator(f"{OPEN} button").all():
                expect(button).to_be_in_viewport(ratio=1)
            page.keyboard.press("Escape")
        page.context.close()


def test_answer_first_asks_for_the_reason_once(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, answer_first=True)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.keyboard.press("t")
    expect(page.get_by_text("You answered: can’t be judged")).to_be_visible()  # noqa: RUF001 - an apostrophe
    expect_item(page)
    page.keyboard.press("k")
    page.keyboard.press("2")
    _done(page)
    assert (Verdict.objects.get().kind, Verdict.objects.get().reason) == ("unjudgeable", "missing_context")


def test_without_javascript_the_reasons_open_and_send(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK_URL, java_script_enabled=False)
    page.get_by_role("button", name="Pass").click()
    page.get_by_role("button", name="I know the person or the case").click()
    expect(page.locator("#item")).to_contain_text("Letter 2.")
    page.get_by_role("button", name="Ask the lead").click()
    page.get_by_role("button", name="I’m not sure").click()  # noqa: RUF001 - an apostrophe
    expect(page.get_by_text("No items to review")).to_be_visible()
    assert Pass.objects.get().reason == "conflict"
    assert Verdict.objects.get().reason == "not_sure"


def test_the_error_type_is_chosen_by_key_and_then_shortcuts_work_again(
    sign_in: SignInFixture, rob: User, queue: Queue
) -> None:
    Queue.objects.update(error_types=["wrong intent", "two intents"])
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    page.keyboard.press("m")
    expect(page.get_by_label(re.compile("Error type"))).to_be_focused()
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    expect(page.locator("#item")).to_be_focused()
    page.keyboard.press("1")
    expect_item(page, "Letter 2.")
    assert (Verdict.objects.get().answer, Verdict.objects.get().error_type) == ("billing", "two intents")


def test_agreeing_sends_no_error_type(sign_in: SignInFixture, rob: User, queue: Queue) -> None:
    Queue.objects.update(error_types=["wrong intent"])
    enqueue_letters(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.get_by_label(re.compile("Error type")).select_option("wrong intent")
    page.locator("button[data-key=a]").click()
    _done(page)
    assert list(Verdict.objects.values_list("kind", "error_type")) == [("agree", "")]


def test_a_final_say_is_given_by_keyboard_with_all_opinions_visible(
    sign_in: SignInFixture, rob: User, rita: User, ann: User
) -> None:
    enqueue_letters(1, reviews_wanted=2, undo_seconds=0)
    queue_items.judge_next(rob, "none", note="Neither of them.")
    queue_items.judge_next(rita, "correct", answer="card_arrival", first="billing")
    queue_items.settle_verdicts()
    page = sign_in(ann, DESK_URL)
    expect_item(page)
    sides = page.get_by_role("region", name="Answers so far").get_by_role("listitem")
    expect(sides).to_have_count(3)
    expect(sides.nth(0)).to_contain_text("The AI")
    expect(sides.nth(1)).to_contain_text("Neither of them.")
    expect(sides.nth(2)).to_contain_text("before seeing the AI’s answer")  # noqa: RUF001 - an apostrophe
    page.keyboard.press("j")
    page.keyboard.type("A person")
    page.keyboard.press("Enter")
    expect(page.locator("#item")).to_be_focused()
    page.keyboard.press("x")
    _done(page)
    assert Verdict.objects.get(final_say=True).reason == "reviewer_error"
