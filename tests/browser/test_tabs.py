"""Two tabs or browsers with one item: each shows what the other did, and nothing is done twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from reviewqueue.models import Pass, Slot, User, Verdict
from tests.helpers.desk_page import DESK_URL, enqueue_letters, expect_item
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
_TELL = "(message) => new BroadcastChannel('desk').postMessage(message)"


def _two_tabs(sign_in: SignInFixture, rob: User) -> tuple[Page, Page]:
    """The first item in both of them, and the first tab in front."""
    enqueue_letters(1, 2, undo_seconds=600)
    first = sign_in(rob, DESK_URL)
    expect_item(first, "Letter 1.")
    second = first.context.new_page()
    second.goto(DESK_URL)
    expect_item(second, "Letter 1.")
    second.get_by_label("Note").fill("typed in the second tab")
    first.bring_to_front()
    return first, second


def _told_and_closed(page: Page, sentence: str) -> None:
    notice = page.locator("#notice")
    expect(notice).to_contain_text(sentence)
    expect(notice).to_contain_text("Your input in this tab is still here")
    expect(page.get_by_label("Note")).to_have_value("typed in the second tab")
    expect(page.get_by_role("button", name="Agree with the AI")).to_be_disabled()


def test_other_tabs_show_a_decision_at_once(sign_in: SignInFixture, rob: User) -> None:
    first, second = _two_tabs(sign_in, rob)
    first.keyboard.press("a")
    expect_item(first, "Letter 2.")
    _told_and_closed(second, "You decided this item in another tab.")
    second.get_by_role("link", name="Continue").click()
    expect_item(second, "Letter 2.")
    assert Verdict.objects.count() == 1


def test_other_tabs_show_a_pass_at_once(sign_in: SignInFixture, rob: User) -> None:
    first, second = _two_tabs(sign_in, rob)
    first.keyboard.press("s")
    first.keyboard.press("1")
    expect_item(first, "Letter 2.")
    _told_and_closed(second, "You passed this item to someone else in another tab.")
    second.get_by_role("link", name="Continue").click()
    expect_item(second, "Letter 2.")
    assert Pass.objects.get().item_id == 1
    expect(first.locator("#notice")).to_be_empty()


def test_after_an_undo_every_tab_continues_with_that_item(sign_in: SignInFixture, rob: User) -> None:
    first, second = _two_tabs(sign_in, rob)
    first.keyboard.press("a")
    expect_item(first, "Letter 2.")
    _told_and_closed(second, "You decided this item in another tab.")
    first.keyboard.press("u")
    expect_item(first, "Letter 1.")
    _told_and_closed(second, "You reserved this item again in another tab.")
    expect(second.get_by_text("You decided this item in another tab.")).to_be_hidden()
    second.get_by_role("link", name="Continue").click()
    expect_item(second, "Letter 1.")
    first.bring_to_front()
    first.keyboard.press("x")
    expect_item(first, "Letter 2.")
    _told_and_closed(second, "You decided this item in another tab.")
    assert list(Verdict.objects.counting().values_list("kind", flat=True)) == ["none"]


def test_other_tabs_show_a_release_at_once(sign_in: SignInFixture, rob: User) -> None:
    first, second = _two_tabs(sign_in, rob)
    first.get_by_role("button", name="Stop reviewing").click()
    expect(first.get_by_role("heading", name="Review", level=1)).to_be_visible()
    _told_and_closed(second, "You released this item in another tab.")
    assert not Slot.objects.filter(holder=rob).exists()
    second.get_by_role("link", name="Continue").click()
    expect_item(second, "Letter 1.")


def test_another_tab_shows_that_the_item_was_answered_first(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, answer_first=True)
    first = sign_in(rob, DESK_URL)
    expect_item(first, "Letter 1.")
    second = first.context.new_page()
    second.goto(DESK_URL)
    expect_item(second, "Letter 1.")
    first.bring_to_front()
    first.keyboard.press("1")
    expect(first.get_by_text("You answered: Billing")).to_be_visible()
    expect(second.locator("#notice")).to_contain_text("You answered this item in another tab.")
    assert "Agree" not in second.locator("#desk").inner_text()
    expect(first.locator("#notice")).to_be_empty()


def test_the_server_tells_the_persons_other_browser(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2)
    here, there = sign_in(rob, DESK_URL), sign_in(rob, DESK_URL)
    expect_item(here, "Letter 1.")
    expect_item(there, "Letter 1.")
    here.keyboard.press("a")
    expect_item(here, "Letter 2.")
    there.keyboard.press("x")
    expect(there.locator("#notice")).to_contain_text("already decided this item differently")
    there.get_by_role("link", name="Next item").click()
    expect_item(there, "Letter 2.")


def test_a_tab_with_an_expired_claim_cannot_release_the_other_tabs_claim(sign_in: SignInFixture, rob: User) -> None:
    first, second = _two_tabs(sign_in, rob)
    Slot.objects.exclude(holder=None).update(reserved_until=timezone.now() - timedelta(seconds=1))
    second.goto(DESK_URL)
    expect_item(second, "Letter 1.")
    expect(first.locator("#notice")).to_contain_text("You reserved this item again in another tab.")
    first.get_by_role("button", name="Stop reviewing").click()
    expect(first.get_by_role("heading", name="Review", level=1).or_(first.locator("[data-problem]"))).to_be_visible()
    expect(second.locator("#notice")).to_be_empty()
    second.bring_to_front()
    second.keyboard.press("a")
    expect_item(second, "Letter 2.")


def test_an_older_claim_does_not_close_a_newer_one(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    slot, number = str(page.locator("#desk").get_attribute("data-claim")).split(".")
    other = page.context.new_page()
    other.goto("/")
    for claim in (f"{slot}.{int(number) - 1}", f"{slot}.{int(number) + 1}"):
        expect(page.locator("#notice")).to_be_empty()
        other.evaluate(_TELL, {"how": "claim", "where": f"desk-draft:{rob.pk}:1", "claim": claim})
        other.evaluate(_TELL, {"how": "nothing", "where": "", "claim": ""})
    expect(page.locator("#notice")).to_contain_text("You reserved this item again in another tab.")
