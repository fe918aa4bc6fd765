"""The desk reacts to every key at once, on any keyboard, and what is on it stays where it is."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from reviewqueue.models import FirstAnswer, Preferences, User, Verdict
from tests.helpers import browser_network
from tests.helpers.desk_page import DESK_URL, enqueue_letters, expect_item, pause_clock
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PRESS = """([key, code, more]) => document.activeElement.dispatchEvent(
  new KeyboardEvent('keydown', {key, code, bubbles: true, cancelable: true, ...more}))"""
TOP_OF_ANSWERS = "document.querySelector('[data-choices] .choice').getBoundingClientRect().top"


def _press(page: Page, key: str, code: str, **more: bool | int) -> None:
    page.evaluate(PRESS, [key, code, more])


def test_keys_work_on_every_keyboard_layout(sign_in: SignInFixture, rob: User) -> None:
    pressed = {
        ("ф", "KeyA"): "agree",
        ("α", "KeyA"): "agree",  # noqa: RUF001 - Greek
        ("ש", "KeyA"): "agree",
        ("ش", "KeyA"): "agree",
        ("ａ", "KeyA"): "agree",  # noqa: RUF001 - full width
        ("۱", "Digit1"): "billing",  # noqa: RUF001 - Persian
        ("١", "Digit1"): "billing",  # noqa: RUF001 - Arabic
        ("१", "Digit1"): "billing",
        ("１", "Digit1"): "billing",  # noqa: RUF001 - full width
    }
    enqueue_letters(*range(1, len(pressed) + 2))
    page = sign_in(rob, DESK_URL)
    for number, (key, code) in enumerate(pressed, start=1):
        expect_item(page, f"Letter {number}.")
        _press(page, key, code, isComposing=True)  # nothing is pressed while a word is being composed
        _press(page, key, code, keyCode=229)
        _press(page, "Process", code)
        _press(page, key, code)
    expect_item(page, f"Letter {len(pressed) + 1}.")
    found = list(Verdict.objects.order_by("id").values_list("kind", "answer"))
    assert [answer if kind == "correct" else kind for kind, answer in found] == list(pressed.values())
    for key in (",", "؟"):
        _press(page, key, "Slash", shiftKey=True)
        expect(page.locator("#keys[open]")).to_be_visible()
        page.keyboard.press("Escape")
    _press(page, "é", "KeyA")  # Latin: the letter that is printed there is meant
    expect_item(page, f"Letter {len(pressed) + 1}.")


def test_a_key_of_ones_own_is_never_taken_for_another(sign_in: SignInFixture, rob: User) -> None:
    Preferences.objects.create(user=rob, keys={"undo": "ф", "answer_1": "ж"})
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    _press(page, "ф", "KeyA")  # nothing to undo yet, and not the A that a Latin keyboard has there
    _press(page, "ж", "Semicolon")
    expect_item(page, "Letter 2.")
    _press(page, "ф", "KeyA")
    expect_item(page, "Letter 1.")
    assert [verdict.answer for verdict in Verdict.objects.all()] == ["billing"]


def test_the_pressed_button_shows_it_at_once_and_moves_while_the_server_is_slow(
    sign_in: SignInFixture, rob: User
) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    held: list[Route] = []
    browser_network.intercept_requests(page, "**/verdict/", held.append)
    agree = page.get_by_role("button", name="Agree with the AI")
    before = agree.evaluate("one => getComputedStyle(one).backgroundColor")
    page.keyboard.press("a")
    assert agree.get_attribute("data-pressed") == ""
    assert agree.evaluate("one => getComputedStyle(one).backgroundColor") != before
    expect(agree).to_have_css("cursor", "pointer")
    page.wait_for_function(
        """() => getComputedStyle(document.querySelector('[data-pressed]'), '::after').opacity === '1'"""
    )
    held[0].fulfill(status=403)
    expect(page.locator("[data-pressed]")).to_have_count(0)


def test_the_same_answer_as_the_ai_is_recorded_and_brings_the_next_item(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, answer_first=True)
    enqueue_letters(2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    page.keyboard.press("2")
    expect(page.get_by_text("Same answer as the AI", exact=True)).to_be_visible()
    expect_item(page, "Letter 2.")
    expect(page.get_by_text("Same answer as the AI", exact=True)).to_be_hidden()
    verdict = Verdict.objects.get()
    assert (FirstAnswer.objects.get().answer, verdict.kind, verdict.answer) == ("refund", "agree", "refund")
    assert (verdict.first_answer, verdict.proposal_visible) == ("refund", False)
    page.keyboard.press("u")
    expect_item(page, "Letter 1.")
    expect(page.get_by_text("You gave the same answer.")).to_be_visible()


def test_a_lost_response_to_the_same_answer_is_not_sent_as_another(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, answer_first=True)
    enqueue_letters(2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    pause_clock(page)
    browser_network.intercept_requests(page, "**/first-answer/", lose, times=1)
    page.keyboard.press("2")
    page.get_by_role("button", name="Try now").click()
    page.clock.resume()
    expect_item(page, "Letter 2.")
    assert Verdict.objects.get().kind == "agree"


def test_answers_stay_in_their_place_when_the_ais_answer_appears(sign_in: SignInFixture, rob: User) -> None:
    for number, width in enumerate((1440, 390), start=1):
        enqueue_letters(number, answer_first=True)
        page = sign_in(rob, DESK_URL, viewport={"width": width, "height": 844})
        expect_item(page, f"Letter {number}.")
        before = page.evaluate(TOP_OF_ANSWERS)
        page.keyboard.press("1")
        expect(page.locator("#desk[data-ready] .proposal")).to_be_visible()
        assert abs(page.evaluate(TOP_OF_ANSWERS) - before) <= 2
        page.keyboard.press("a")
        expect(page.get_by_role("heading", name="No items to review")).to_be_visible()
        page.context.close()
