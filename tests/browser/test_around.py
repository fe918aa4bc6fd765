"""The page around the item: header, recent decisions, guidelines, the user's numbers, and the inbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from reviewqueue.guidelines import reading
from reviewqueue.models import Guideline, GuidelineRead, Membership, Queue, User, Verdict
from tests.helpers import content_samples, queue_items
from tests.helpers.browser_network import intercept_requests
from tests.helpers.desk_page import DESK_URL, expect_item
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TEXT = "I was charged twice for the same order, once at 21:04 and again at 21:06. "
# What stands around any item, whatever it is, and where an item like the last one begins.
AROUND = {
    "bar": ".bar-top", "decided": ".desk-decided", "queues": ".desk-queues", "numbers": ".desk-numbers",
    "panel": ".panel", "question": ".question", "choice": ".judgement .choice",
}  # fmt: skip
PLACES = {**AROUND, "content": "#item"}
PHONE, TABLET, LAPTOP, HUGE = (390, 844), (768, 1024), (1280, 800), (2560, 1440)


def _enqueue(*numbers: int, **fields: Any) -> None:
    shown: dict[str, Any] = {"due_at": timezone.now() + timedelta(hours=3), "undo_seconds": 600} | fields
    for number in numbers:
        queue_items.enqueue_items(number, input={"text": f"Letter {number}. {TEXT}"}, **shown)


def _size(size: tuple[int, int]) -> dict[str, int]:
    return {"width": size[0], "height": size[1]}


def _tops(page: Page, places: Mapping[str, str] = PLACES) -> dict[str, float]:
    """Where what the eye returns to stands."""
    boxes = page.evaluate(
        """(places) => Object.fromEntries(Object.entries(places)
             .map(([name, where]) => [name, document.querySelector(where).getBoundingClientRect().top]))""",
        places,
    )
    return {name: float(top) for name, top in boxes.items()}


def test_the_item_header_shows_reason_deadline_and_reservation(sign_in: SignInFixture, rob: User) -> None:
    _enqueue(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    head = page.locator(".item-head")
    expect(head).to_contain_text("The AI was not sure.")
    expect(head).to_contain_text("due in 2\u00a0h")
    expect(head.locator("#reservation")).to_contain_text("reserved for you until")
    assert page.locator(".panel #reservation").count() == 0


def test_answer_first_shows_its_own_sentence_instead_of_the_reason(sign_in: SignInFixture, rob: User) -> None:
    _enqueue(1, answer_first=True)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    expect(page.locator(".item-head")).to_contain_text("Answer first")
    expect(page.locator(".item-head")).not_to_contain_text("not sure")


@pytest.mark.parametrize("size", [PHONE, TABLET, LAPTOP, HUGE])
def test_nothing_jumps_when_the_next_item_comes(sign_in: SignInFixture, rob: User, size: tuple[int, int]) -> None:
    _enqueue(1, 2, 3)
    page = sign_in(rob, DESK_URL, viewport=_size(size))
    expect_item(page, "Letter 1.")
    expect(page.locator(".desk-numbers")).to_contain_text("Today")
    before = _tops(page)
    for number in (2, 3):
        page.keyboard.press("a")
        expect_item(page, f"Letter {number}.")
        after = _tops(page)
        assert after == pytest.approx(before, abs=1)


@pytest.mark.parametrize("size", [(320, 640), PHONE, TABLET, LAPTOP, HUGE])
def test_the_page_around_the_item_never_moves(sign_in: SignInFixture, rob: User, size: tuple[int, int]) -> None:
    kinds = ("table", "messages", "image", "fields", "json", "candidates")
    inputs = [
        {"text": "Short."},
        {"text": TEXT * 60},
        *(content_samples.build_samples()[kind].item["input"] for kind in kinds),
    ]
    for number, told in enumerate(inputs, start=1):
        due_at = timezone.now() + timedelta(hours=3) if number % 2 else None
        queue_items.enqueue_items(
            number, input=told, due_at=due_at, context={"plan": "premium"} if number % 3 else None
        )
    page = sign_in(rob, DESK_URL, viewport=_size(size))
    expect_item(page, "Short.")
    expect(page.locator(".desk-numbers")).to_contain_text("Today")
    before = _tops(page, AROUND)
    for _next in inputs[1:]:
        claim = page.locator("#desk").get_attribute("data-claim")
        page.keyboard.press("a")
        expect(page.locator(f"#desk[data-ready]:not([data-claim='{claim}'])")).to_be_attached()
        assert _tops(page, AROUND) == pytest.approx(before, abs=1)


@pytest.mark.parametrize("size", [(320, 640), PHONE, LAPTOP])
def test_the_reservation_warning_moves_nothing_and_is_clickable(
    sign_in: SignInFixture, rob: User, size: tuple[int, int]
) -> None:
    _enqueue(1)
    page = sign_in(rob, viewport=_size(size))
    page.clock.install()
    page.goto(DESK_URL)
    expect_item(page)
    before = _tops(page)
    page.clock.fast_forward((14 * 60 + 10) * 1000)
    page.clock.run_for(2000)
    extend = page.get_by_role("button", name="Extend")
    expect(extend).to_be_in_viewport()
    assert _tops(page) == pytest.approx(before, abs=1)
    extend.click()
    expect(extend).to_be_hidden()
    assert _tops(page) == pytest.approx(before, abs=1)


def test_recent_decisions_show_their_answers_and_can_be_undone(sign_in: SignInFixture, rob: User) -> None:
    _enqueue(1, 2, 3)
    page = sign_in(rob, DESK_URL)
    for number in (1, 2):
        expect_item(page, f"Letter {number}.")
        page.keyboard.press("a")
    expect_item(page, "Letter 3.")
    listed = page.locator(".aside-decided li")
    expect(listed).to_have_count(2)
    expect(listed.nth(0)).to_contain_text("Letter 2.")
    expect(listed.nth(0).locator("kbd")).to_have_text("U")
    expect(listed.nth(1).locator("kbd")).to_have_count(0)
    listed.nth(1).get_by_role("button", name="Undo").click()
    expect_item(page, "Letter 1.")
    expect(listed).to_have_count(1)
    assert Verdict.objects.counting().get().item_id == 2


def test_a_decision_opens_again_and_leads_back(sign_in: SignInFixture, rob: User) -> None:
    _enqueue(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    page.get_by_label("Note").fill("seen twice")
    page.get_by_label("Note").press("Escape")
    page.keyboard.press("1")
    expect_item(page, "Letter 2.")
    page.get_by_role("link", name="Letter 1.").click()
    expect(page.get_by_role("heading", name="Your decision")).to_be_visible()
    for part in ("Letter 1.", "Billing", "seen twice", "Not final yet"):
        expect(page.locator("main")).to_contain_text(part)
    page.get_by_role("link", name="All your decisions").click()
    expect(page.locator(".decisions li")).to_have_count(1)
    page.get_by_role("link", name="Letter 1.").click()
    page.get_by_role("button", name="Undo").click()
    expect_item(page, "Letter 1.")


def test_a_past_decisions_content_works_as_on_the_desk(sign_in: SignInFixture, rob: User) -> None:
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    queue_items.enqueue_items(1, input={"image": f"data:image/png;base64,{pixel}", "other": {"deep": [1, 2]}})
    given = queue_items.judge_next(rob)
    page = sign_in(rob, f"{DESK_URL}verdicts/{given.id}/")
    expect(page.locator("#item img")).to_be_visible()
    page.get_by_role("button", name="Greyscale").click()
    expect(page.locator(":root[data-grey=true]")).to_have_count(1)


def test_a_phone_shows_undo_and_a_link_to_the_decisions(sign_in: SignInFixture, rob: User) -> None:
    _enqueue(1, 2, 3)
    page = sign_in(rob, DESK_URL, viewport=_size(PHONE))
    for number in (1, 2):
        expect_item(page, f"Letter {number}.")
        page.get_by_role("button", name="Agree with the AI").click()
    expect_item(page, "Letter 3.")
    expect(page.get_by_role("button", name="Undo")).to_have_count(1)
    expect(page.locator(".decided-what:visible")).to_have_count(0)
    page.get_by_role("link", name="Recent decisions").click()
    expect(page.locator(".decisions li")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_changed_guidelines_show_their_changes_until_they_are_read(
    sign_in: SignInFixture, rob: User, queue: Queue
) -> None:
    reading.mark_guideline_read(user=rob, slug="intents", number=1)
    Guideline.objects.create(queue=queue, number=2, text="**refund**: money never goes back.")
    _enqueue(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    mark = page.locator("#guidelines-changed .tag")
    expect(mark).to_have_text("changed")
    assert GuidelineRead.objects.get().number == 1
    page.keyboard.press("g")
    dialog = page.get_by_role("dialog", name="Guidelines")
    expect(dialog).to_contain_text("Changes since you last read them (version 1 to 2)")
    expect(dialog.locator("ins")).to_contain_text("never")
    expect(mark).to_have_count(0)
    page.keyboard.press("Escape")
    assert GuidelineRead.objects.get().number == 2
    page.keyboard.press("g")
    expect(dialog).to_contain_text("Version 2")
    expect(dialog).not_to_contain_text("What changed")


def test_the_dialog_shows_the_version_of_the_item_that_is_on_the_desk(
    sign_in: SignInFixture, rob: User, queue: Queue
) -> None:
    _enqueue(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    Guideline.objects.create(queue=queue, number=2, text="Only at night.")
    held: list[Route] = []
    intercept_requests(page, "**/reading/", held.append, times=1)
    page.keyboard.press("g")
    dialog = page.get_by_role("dialog", name="Guidelines")
    expect(dialog).to_contain_text("money goes back")
    expect(dialog).not_to_contain_text("Only at night")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect_item(page, "Letter 2.")
    expect(page.locator("#guidelines-changed .tag")).to_be_visible()
    with page.expect_response("**/reading/"):
        held[0].continue_()
    expect(page.locator("#guidelines-changed .tag"), "it was the older version that was read").to_be_visible()
    page.keyboard.press("g")
    expect(dialog).to_contain_text("Only at night")
    expect(page.locator("#guidelines-changed .tag")).to_have_count(0)


def test_without_javascript_reading_is_a_button(sign_in: SignInFixture, rob: User, queue: Queue) -> None:
    reading.mark_guideline_read(user=rob, slug="intents", number=1)
    Guideline.objects.create(queue=queue, number=2, text="Only at night.")
    page = sign_in(rob, "/queues/intents/guidelines/", java_script_enabled=False)
    expect(page.get_by_role("heading", name="Changes since you last read them")).to_be_visible()
    page.get_by_role("button", name="Mark as read").click()
    expect(page.get_by_role("button", name="Mark as read")).to_have_count(0)
    assert GuidelineRead.objects.get().number == 2


def test_two_versions_are_compared_on_the_page(sign_in: SignInFixture, rob: User, queue: Queue) -> None:
    Guideline.objects.create(queue=queue, number=2, text="Only at night.")
    Guideline.objects.create(queue=queue, number=3, text="Only on Sundays.")
    page = sign_in(rob, "/queues/intents/guidelines/")
    page.get_by_label("From").select_option("1")
    page.get_by_label("To", exact=True).select_option("3")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".changes ins")).to_contain_text("Sundays")
    expect(page.locator(".reading button")).to_be_hidden()


def test_the_footer_shows_the_users_numbers_and_links_to_their_page(sign_in: SignInFixture, rob: User) -> None:
    _enqueue(1, 2)
    queue_items.judge_next(rob)
    page = sign_in(rob, DESK_URL)
    line = page.locator(".desk-numbers")
    expect(line).to_contain_text("Today 1")
    expect_item(page)
    page.keyboard.press("a")
    expect(line).to_contain_text("Today 2")
    page.keyboard.press("u")
    expect(line).to_contain_text("Today 1")
    line.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Your numbers")).to_be_visible()
    expect(page.get_by_role("row", name="Today")).to_contain_text("unknown")


def test_the_inbox_by_keyboard(sign_in: SignInFixture, rob: User) -> None:
    other = Queue.objects.create(slug="zeta", title="Zeta")
    Membership.objects.create(user=rob, queue=other)
    _enqueue(1)
    page = sign_in(rob)
    queues = page.locator("[data-queue]")
    page.keyboard.press("ArrowDown")
    expect(queues.nth(0)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(queues.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/queues/zeta/")
    page.goto("/")
    page.keyboard.press("Control+Enter")
    page.keyboard.press("Enter")
    page.wait_for_url("**/queues/intents/")
    page.goto("/")
    expect(page.locator("main")).to_contain_text("one item reserved for you until")


def test_enter_does_nothing_in_an_empty_inbox(sign_in: SignInFixture, rob: User) -> None:
    page = sign_in(rob)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="All done")).to_be_visible()


def test_a_typical_item_needs_no_scrolling(sign_in: SignInFixture, rob: User) -> None:
    _enqueue(1, context={"Customer since": "2019", "Language": "English", "Thread": "thread-77"})
    page = sign_in(rob, DESK_URL, viewport=_size(LAPTOP))
    expect_item(page)
    scrolled = page.evaluate(
        """() => [document.documentElement, ...document.querySelectorAll("body *")]
             .filter((one) => one.scrollHeight > one.clientHeight + 1 && one.clientHeight > 0
                && (one === document.documentElement || /auto|scroll/.test(getComputedStyle(one).overflowY)))
             .map((one) => one.className || one.tagName)"""
    )
    assert scrolled == []
    widths = page.evaluate(
        """() => [".desk-queues", "#item", ".panel"].map((one) => document.querySelector(one).offsetWidth)"""
    )
    assert widths[1] > max(widths[0], widths[2])


@pytest.mark.parametrize("size", [(320, 256), (320, 640), (640, 400), PHONE, TABLET, (1280, 600)])
def test_all_controls_are_reachable_and_uncovered(sign_in: SignInFixture, rob: User, size: tuple[int, int]) -> None:
    _enqueue(1, 2, context={"Customer since": "2019"})
    queue_items.judge_next(rob)
    page = sign_in(rob, DESK_URL, viewport=_size(size))
    expect_item(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for control in page.locator("main :is(a, button, select, textarea):visible").all():
        if "visually-hidden" not in (control.get_attribute("class") or ""):
            control.click(trial=True)
