"""No input or answer is lost: retries, expired reservations, sessions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.utils import timezone
from playwright.sync_api import Route, expect

from reviewqueue.models import Item, Slot, User, Verdict
from tests.helpers import queue_items
from tests.helpers.browser_network import intercept_requests
from tests.helpers.desk_page import DESK_URL, enqueue_letters, expect_draft_saved, expect_item, pause_clock
from tests.helpers.processes import wait_until
from tests.helpers.sign_in import SignInFixture
from tests.helpers.web_server import WebServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def _lapse() -> None:
    Slot.objects.open().exclude(holder=None).update(reserved_until=timezone.now() - timedelta(seconds=1))


def test_an_expired_item_is_reserved_again_and_sent_with_one_key(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    page.get_by_label("Note").fill("half a thought")
    page.keyboard.press("Escape")
    _lapse()
    page.keyboard.press("1")
    expect(page.locator("#notice")).to_contain_text("Your reservation ran out. It is back in the queue")
    page.keyboard.press("r")
    expect(page.locator("#notice")).to_be_empty()
    expect_item(page, "Letter 1.")
    expect(page.get_by_label("Note")).to_have_value("half a thought")
    page.keyboard.press("1")
    expect_item(page, "Letter 2.")
    assert Verdict.objects.get().note == "half a thought"


def test_the_notice_says_who_has_the_item_and_the_draft_stays(sign_in: SignInFixture, rob: User, rita: User) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    page.get_by_label("Note").fill("half a thought")
    expect_draft_saved(page)
    page.keyboard.press("Escape")
    _lapse()
    queue_items.claim_next_item(rita)
    page.keyboard.press("a")
    expect(page.locator("#notice")).to_contain_text("rita has it now.")
    expect(page.get_by_role("button", name="Reserve it again")).to_have_count(0)
    expect(page.get_by_label("Note")).to_have_value("half a thought")
    expect(page.get_by_role("link", name="Next item")).to_be_focused()
    page.keyboard.press("Enter")
    expect_item(page, "Letter 2.")


def test_the_page_reports_an_expired_reservation_by_itself(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = sign_in(rob)
    page.clock.install()
    page.goto(DESK_URL)
    _lapse()
    page.clock.fast_forward(15 * 60_000)
    page.clock.run_for(2000)
    expect(page.locator("#notice")).to_contain_text("Your reservation ran out")
    expect(page.get_by_role("button", name="Reserve it again")).to_be_visible()


def test_one_key_extends_the_reservation_any_number_of_times(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = sign_in(rob)
    page.clock.install()
    page.goto(DESK_URL)
    for _ in range(12):
        before = Slot.objects.get().reserved_until
        page.clock.fast_forward(14 * 60_000 + 10_000)
        page.clock.run_for(2000)
        expect(page.get_by_role("button", name="Extend R")).to_be_visible()
        with page.expect_response("**/renewal/"):
            page.keyboard.press("r")
        expect(page.get_by_role("button", name="Extend R")).to_be_hidden()
        after = Slot.objects.get().reserved_until
        assert before is not None
        assert after is not None
        assert after > before


def test_a_submit_that_does_not_arrive_is_resent_unchanged(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    page.get_by_label("Note").fill("with a note")
    page.keyboard.press("Escape")
    pause_clock(page)
    intercept_requests(page, "**/verdict/", lambda route: route.abort())
    page.keyboard.press("1")
    notice = page.locator("#notice")
    expect(notice).to_contain_text("This may not have reached the server. Trying again in")
    expect(notice).to_contain_text("(attempt 2)")
    expect(page.get_by_role("button", name="Try now")).to_be_focused()
    for key in ("a", "x", "2"):
        page.keyboard.press(key)
    page.get_by_role("button", name="Try now").click()
    expect(notice).to_contain_text("(attempt 3)")
    page.unroute("**/verdict/")
    page.clock.resume()
    expect(page.locator("#desk[data-ready] #item")).to_contain_text("Letter 2.", timeout=20_000)
    verdict = Verdict.objects.get()
    assert (verdict.answer, verdict.note) == ("billing", "with a note")


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_submit_is_retried_after_a_server_error(sign_in: SignInFixture, rob: User, status: int) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    pause_clock(page)
    intercept_requests(page, "**/verdict/", lambda route: route.fulfill(status=status, body="<!doctype html>no"))
    page.keyboard.press("a")
    expect(page.locator("#notice")).to_contain_text("Trying again in")
    page.unroute("**/verdict/")
    page.get_by_role("button", name="Try now").click()
    page.clock.resume()
    expect_item(page, "Letter 2.")
    assert Verdict.objects.count() == 1


def test_a_lost_response_still_brings_the_next_item(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")

    def cut(route: Route) -> None:
        route.fetch()
        route.abort()

    pause_clock(page)
    intercept_requests(page, "**/verdict/", cut, times=1)
    page.keyboard.press("1")
    expect(page.locator("#notice")).to_contain_text("may not have reached the server")
    assert Verdict.objects.count() == 1
    page.get_by_role("button", name="Try now").click()
    page.clock.resume()
    expect_item(page, "Letter 2.")
    assert Verdict.objects.count() == 1


def test_retrying_can_be_stopped_and_the_item_answered_again(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    page.get_by_label("Note").fill("with a note")
    page.keyboard.press("Escape")
    pause_clock(page)
    intercept_requests(page, "**/verdict/", lambda route: route.abort(), times=1)
    page.keyboard.press("1")
    page.get_by_role("button", name="Stop trying").click()
    page.clock.resume()
    expect(page.locator("#notice")).to_contain_text("Stopped")
    expect(page.get_by_label("Note")).to_have_value("with a note")
    page.keyboard.press("x")
    expect_item(page, "Letter 2.")
    assert Verdict.objects.get().kind == "none"


def test_a_permanently_refused_submit_shows_a_notice_and_is_not_retried(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    rob.memberships.all().delete()
    page.keyboard.press("a")
    expect(page.locator("#notice")).to_contain_text("did not accept this")
    assert not Verdict.objects.exists()


@pytest.fixture
def web(transactional_db: None, tmp_path: Path) -> Iterator[WebServer]:
    server = WebServer(tmp_path)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def test_stopping_the_server_during_a_submit_loses_nothing(sign_in: SignInFixture, rob: User, web: WebServer) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, base_url=web.url)
    page.goto(DESK_URL)
    expect_item(page, "Letter 1.")
    page.get_by_label("Note").fill("typed before the crash")
    page.keyboard.press("Escape")
    pause_clock(page)
    with transaction.atomic():
        Item.objects.select_for_update().get(pk=1)  # the submit waits for it, in the server's hands
        page.keyboard.press("1")
        wait_until(_somebody_waits)
        web.kill()
        expect(page.locator("#notice")).to_contain_text("may not have reached the server")
    assert not Verdict.objects.exists()
    expect(page.get_by_label("Note")).to_have_value("typed before the crash")
    page.get_by_role("button", name="Try now").click()
    expect(page.locator("#notice")).to_contain_text("(attempt 3)")
    web.start()
    page.clock.resume()
    expect(page.locator("#desk[data-ready] #item")).to_contain_text("Letter 2.", timeout=30_000)
    verdict = Verdict.objects.get()
    assert (verdict.answer, verdict.note) == ("billing", "typed before the crash")


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        # A transaction sees who was connected when it first looked, and the server may have connected since.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def test_the_back_button_shows_the_current_item(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, "/")
    page.goto(DESK_URL)
    expect_item(page, "Letter 1.")
    page.keyboard.press("a")
    expect_item(page, "Letter 2.")
    page.goto("/account/")
    page.go_back()
    expect_item(page, "Letter 2.")
    page.go_back()
    page.go_forward()
    expect_item(page, "Letter 2.")


def test_two_browsers_on_one_queue_never_see_the_same_item(sign_in: SignInFixture, rob: User, rita: User) -> None:
    enqueue_letters(*range(1, 21))
    pages = [sign_in(rob, DESK_URL), sign_in(rita, DESK_URL)]
    seen: list[str] = []
    for turn in range(20):
        page = pages[turn % 2]
        expect_item(page)
        shown = [one.locator("#item").inner_text() for one in pages if one.locator("#item.item-content").count()]
        assert len(shown) == len(set(shown))
        seen.append(page.locator("#item").inner_text())
        claim = page.locator("#desk").get_attribute("data-claim")
        page.keyboard.press("a")
        expect(page.locator(f'#desk:not([data-claim="{claim}"])')).to_have_count(1)
    assert sorted(seen) == sorted({f"Letter {number}." for number in range(1, 21)})
    assert Verdict.objects.count() == 20


def test_signing_in_again_in_another_tab_sends_the_held_answer(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    page.get_by_label("Note").fill("half a thought")
    page.keyboard.press("Escape")
    Session.objects.all().delete()
    page.keyboard.press("1")
    expect(page.locator("#notice")).to_contain_text("You are signed out.")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in").click()
    other = opened.value
    other.get_by_label("Username").fill("rob")
    other.get_by_label("Password").fill("rob-password")
    other.get_by_role("button", name="Sign in").click()
    expect_item(other, "Letter 1.")
    page.bring_to_front()
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect_item(page, "Letter 2.")
    verdict = Verdict.objects.get()
    assert (verdict.answer, verdict.note) == ("billing", "half a thought")
    expect(other.locator("#notice")).to_contain_text("You decided this item in another tab.")
    page.keyboard.press("a")  # by the new sign-in's token
    expect(page.get_by_role("heading", name="No items to review")).to_be_visible()


def test_without_javascript_an_early_note_is_sent_with_the_verdict(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, answer_first=True)
    page = sign_in(rob, DESK_URL, java_script_enabled=False)
    page.get_by_label("Note").fill("my own thought")
    page.get_by_role("button", name="Billing").click()
    expect(page.get_by_text("You answered: Billing")).to_be_visible()
    expect(page.get_by_label("Note")).to_have_value("my own thought")
    page.get_by_role("button", name="Billing").click()
    expect(page.get_by_role("heading", name="No items to review")).to_be_visible()
    assert Verdict.objects.get().note == "my own thought"


def test_without_javascript_a_form_reserves_an_expired_item_again(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = sign_in(rob, DESK_URL, java_script_enabled=False)
    page.get_by_label("Note").fill("half a thought")
    _lapse()
    page.get_by_role("button", name="Billing").click()
    expect(page.get_by_text("half a thought")).to_be_visible()
    page.get_by_role("button", name="Reserve it again").click()
    expect(page.locator("#item")).to_contain_text("Letter 1.")
