"""Desk settings in a real browser: shortcuts, keyboard layouts, time zones and the break reminder."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from reviewqueue.accounts import preferences
from reviewqueue.models import Preferences, User, Verdict
from tests.helpers.browser_network import intercept_requests
from tests.helpers.desk_page import enqueue_letters, expect_item
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DESK, SETTINGS = "/queues/intents/", "/account/desk/"


def test_a_key_is_set_by_pressing_it_and_then_presses_its_button(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, SETTINGS)
    page.get_by_label("Agree with the AI", exact=True).press("w")
    page.get_by_label("None of these", exact=True).press("Backspace")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Desk settings saved.")).to_be_visible()
    page.goto(DESK)
    expect_item(page, "Letter 1.")
    agree = page.get_by_role("button", name=re.compile("Agree with the AI"))
    expect(agree.locator("kbd")).to_have_text("W")
    expect(page.get_by_role("button", name="None of these").locator("kbd")).to_have_count(0)
    for dead in ("a", "x"):
        page.keyboard.press(dead)
    page.keyboard.press("w")
    expect_item(page, "Letter 2.")
    assert list(Verdict.objects.values_list("kind", flat=True)) == ["agree"]


def test_a_shortcut_conflict_is_marked_at_once_and_explained_on_save(sign_in: SignInFixture, rob: User) -> None:
    page = sign_in(rob, SETTINGS)
    agree = page.get_by_label("Agree with the AI", exact=True)
    agree.press("s")
    expect(agree).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Save").click()
    expect(agree).to_have_accessible_description("Already used for “Pass to someone else”.")
    expect(agree).to_have_value("s")
    page.get_by_role("button", name="Reset to A").click()
    expect(page.get_by_label("Agree with the AI", exact=True)).to_have_value("a")


@pytest.mark.parametrize("key", ["ф", "é", "א", "!", '"', "<"])
def test_shortcuts_work_on_other_keyboard_layouts(sign_in: SignInFixture, rob: User, key: str) -> None:
    preferences.save_preferences(user=rob, keys={"agree": key})
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK)
    expect_item(page, "Letter 1.")
    page.evaluate(
        "key => document.body.dispatchEvent(new KeyboardEvent('keydown', {key, code: 'KeyA', bubbles: true}))",
        key.upper(),
    )
    expect_item(page, "Letter 2.")


def test_a_hostile_row_runs_nothing_and_the_default_keys_work(sign_in: SignInFixture, rob: User) -> None:
    evil = '"] <img src=x onerror="window.broken=1"><script>window.broken=1</script>'
    Preferences.objects.create(user=rob, keys={"agree": evil, "help": evil, evil: evil}, time_zone=evil[:60])
    enqueue_letters(1, 2)
    page = sign_in(rob, SETTINGS)
    page.goto(DESK)
    expect_item(page, "Letter 1.")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect_item(page, "Letter 2.")
    assert page.evaluate("window.broken") is None


def test_the_shortcut_list_shows_what_applies_now(sign_in: SignInFixture, rob: User) -> None:
    preferences.save_preferences(user=rob, keys={"agree": "w"})
    enqueue_letters(1)
    page = sign_in(rob, DESK)
    expect_item(page)
    page.keyboard.press("?")
    sheet = page.locator("#keys")
    expect(sheet.get_by_text("Agree with the AI")).to_be_visible()
    expect(sheet.locator("div", has_text="Agree with the AI").last.locator("kbd")).to_have_text("W")
    for absent in ("Keep your first answer", "Blur the image", "Undo your last decision", "Search answers"):
        expect(sheet.get_by_text(absent)).to_be_hidden()


def test_single_keys_stay_off_in_another_browser_and_come_back(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK)
    expect_item(page)
    page.keyboard.press("?")
    with page.expect_response("**/account/desk/switch/"):
        page.get_by_label("Turn off single-key shortcuts").check()
    elsewhere = sign_in(rob, DESK)
    expect_item(elsewhere)
    elsewhere.keyboard.press("a")
    expect(elsewhere.locator(".choice kbd").first).to_be_hidden()
    elsewhere.get_by_role("button", name="All keyboard shortcuts").click()
    elsewhere.get_by_label("Turn off single-key shortcuts").uncheck()
    elsewhere.keyboard.press("Escape")
    elsewhere.keyboard.press("a")
    expect_item(elsewhere, "Letter 2.")


def test_the_settings_are_a_form_without_javascript(sign_in: SignInFixture, rob: User) -> None:
    page = sign_in(rob, SETTINGS, java_script_enabled=False)
    page.get_by_label("Agree with the AI", exact=True).fill("W")
    page.get_by_label("Blur images at first").check()
    page.get_by_label("Time zone").fill("Asia/Tokyo")
    page.get_by_label("Time zone").press("Enter")
    expect(page.get_by_text("Desk settings saved.")).to_be_visible()
    row = Preferences.objects.get()
    assert (row.keys, row.blur_images, row.time_zone) == ({"agree": "w"}, True, "Asia/Tokyo")


def test_a_chosen_time_zone_overrides_the_browsers(sign_in: SignInFixture, rob: User) -> None:
    page = sign_in(rob, SETTINGS, timezone_id="Pacific/Auckland")
    page.reload()
    expect(page.get_by_text(re.compile(r"\((NZDT|NZST)\)"))).to_be_visible()
    page.get_by_label("Time zone").fill("Asia/Tokyo")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("(JST)")).to_be_visible()


WORKED = """({worked, ago}) => sessionStorage.setItem("desk-worked",
    JSON.stringify({worked, due: 3000, last: Date.now() - ago}))"""


def test_the_break_reminder_takes_neither_focus_nor_keys(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2)
    page = _worked(sign_in, rob, seconds=50 * 60 - 3)
    page.mouse.move(200, 200)
    page.clock.run_for(5000)
    note = page.get_by_role("status").filter(has_text="You have worked for 50 minutes without a break")
    expect(note).to_be_visible()
    box, item = note.bounding_box(), page.locator(".item").bounding_box()
    assert box is not None
    assert item is not None
    assert box["y"] + box["height"] <= item["y"]
    page.keyboard.press("a")
    page.clock.run_for(3000)
    expect_item(page, "Letter 2.")
    expect(note).to_be_visible()

    page.get_by_role("button", name="Later").click()
    expect(note).to_be_hidden()
    expect(page.locator("#item")).to_be_focused()
    _work(page, 14 * 60)
    expect(note).to_be_hidden()


def test_a_break_of_five_minutes_resets_the_reminder(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = _worked(sign_in, rob, seconds=50 * 60 - 3, ago=5 * 60_000)
    page.mouse.move(200, 200)
    page.clock.run_for(9000)
    expect(page.get_by_text("You have worked for 50 minutes without a break")).to_have_count(0)
    assert page.evaluate("JSON.parse(sessionStorage.getItem('desk-worked')).worked") < 30


def test_the_break_reminder_can_be_turned_off_on_the_desk(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = _worked(sign_in, rob, seconds=50 * 60)
    page.mouse.move(200, 200)
    page.clock.run_for(3000)
    page.get_by_role("button", name="Don’t remind me").click()  # noqa: RUF001 - an apostrophe
    expect(page.get_by_text("You have worked for 50 minutes without a break")).to_have_count(0)
    assert not Preferences.objects.get().break_nudge


def test_a_reviewer_counts_as_active_for_a_minute(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = _worked(sign_in, rob, seconds=0)
    page.mouse.move(200, 200)
    page.clock.run_for(200_000)
    worked = page.evaluate("JSON.parse(sessionStorage.getItem('desk-worked')).worked")
    assert 55 <= worked <= 70


def _worked(sign_in: SignInFixture, user: User, *, seconds: int, ago: int = 0) -> Page:
    """At the desk, with so many seconds of work behind them; the queues beside it are not asked for again."""
    page = sign_in(user)
    intercept_requests(page, "**/waiting/", lambda route: route.fulfill(status=204))
    page.clock.install()
    page.evaluate(WORKED, {"worked": seconds, "ago": ago})
    page.goto(DESK)
    page.clock.run_for(1000)
    expect_item(page)
    return page


def _work(page: Page, seconds: int) -> None:
    for step in range(seconds // 50):
        page.mouse.move(200 + step, 200)
        page.clock.run_for(50_000)
