"""Nothing is sent unintentionally, and there is always a way to go on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from reviewqueue.models import AnswerSchema, Queue, Slot, User, Verdict
from tests.helpers import invoices, queue_items
from tests.helpers.browser_network import intercept_requests
from tests.helpers.desk_page import DESK_URL, enqueue_letters, expect_item
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
UNREADY = "document.querySelector('[data-desk]').removeAttribute('data-ready')"
READY = "document.querySelector('[data-desk]').setAttribute('data-ready', '')"


@pytest.fixture
def invoice(queue: Queue) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="structured", schema=invoices.SCHEMA)


def _invoices(*numbers: int) -> None:
    for number in numbers:
        queue_items.enqueue_items(
            number,
            schema_number=2,
            input={"text": f"Letter {number}."},
            alternatives=[],
            proposal=invoices.ANSWER,
            field_hints=invoices.HINTS,
        )


def _lapse() -> None:
    Slot.objects.open().exclude(holder=None).update(reserved_until=timezone.now() - timedelta(seconds=1))


@pytest.mark.usefixtures("invoice")
def test_enter_in_a_field_does_not_answer_an_item_that_just_arrived(sign_in: SignInFixture, rob: User) -> None:
    _invoices(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    page.evaluate(UNREADY)
    page.locator("[name='number/total']").fill("120")
    page.evaluate("document.querySelector('[data-judgement]').requestSubmit()")
    page.evaluate("document.querySelector('[data-judgement] > button').click()")
    page.evaluate(READY)
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    expect_item(page, "Letter 2.")
    assert Verdict.objects.get().kind == "none"


@pytest.mark.usefixtures("invoice")
def test_holding_enter_moves_one_field_and_sends_nothing(sign_in: SignInFixture, rob: User) -> None:
    _invoices(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.locator("[name='number/total']").focus()
    for _ in range(9):
        page.keyboard.down("Enter")
    expect(page.locator("[name='number/lines/0/amount']")).to_be_focused()
    assert not Verdict.objects.exists()


@pytest.mark.usefixtures("invoice")
def test_enter_sends_nothing_of_an_item_that_was_lost(sign_in: SignInFixture, rob: User, rita: User) -> None:
    _invoices(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    _lapse()
    queue_items.claim_next_item(rita)
    page.keyboard.press("a")
    expect(page.locator("#notice")).to_contain_text("rita has it now.")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.locator("[name='number/total']").press("Enter")
    page.locator("[name='number/lines/0/amount']").press("Enter")
    expect(page.locator("[data-judgement] > button").first).to_be_disabled()
    assert [url for url in sent if url.endswith("/verdict/")] == []


def test_a_failed_attempt_to_reserve_again_keeps_its_notice(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    _lapse()
    page.keyboard.press("a")
    intercept_requests(page, "**/retake/", lambda route: route.abort(), times=1)
    page.get_by_role("button", name="Reserve it again").click()
    page.get_by_role("button", name="Stop trying").click()
    expect(page.get_by_role("link", name="Next item")).to_be_visible()
    expect(page.get_by_role("button", name="Reserve it again")).to_be_focused()
    page.keyboard.press("r")
    expect(page.locator("#notice")).to_be_empty()
    expect_item(page)


def test_failing_renewals_are_retried_with_growing_delays(sign_in: SignInFixture, rob: User) -> None:
    page, asked = _over(sign_in, rob, status=503)
    page.clock.run_for(60_000)
    page.evaluate("0")
    assert 2 <= len(asked) <= 6


@pytest.mark.parametrize("status", [403, 404])
def test_a_permanently_refused_renewal_shows_a_notice_and_is_not_retried(
    sign_in: SignInFixture, rob: User, status: int
) -> None:
    page, asked = _over(sign_in, rob, status=status)
    expect(page.locator("#notice")).to_contain_text("The server did not extend your reservation.")
    page.clock.run_for(60_000)
    page.evaluate("0")
    assert len(asked) == 1


def _over(sign_in: SignInFixture, rob: User, *, status: int) -> tuple[Page, list[str]]:
    """The desk when its time is over, and the renewals it asks for, which all fail."""
    enqueue_letters(1)
    page = sign_in(rob)
    page.clock.install()
    page.goto(DESK_URL)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/renewal/") else None)
    intercept_requests(page, "**/renewal/", lambda route: route.fulfill(status=status, body="no"))
    with page.expect_response("**/renewal/"):
        page.clock.fast_forward(15 * 60_000)
        page.clock.run_for(1000)
    return page, asked


def test_the_desk_works_without_browser_storage(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob)
    page.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name,"
        "{ get() { throw new DOMException('denied', 'SecurityError'); } });"
    )
    page.goto(DESK_URL)
    expect_item(page, "Letter 1.")
    page.keyboard.press("a")
    expect_item(page, "Letter 2.")
    assert Verdict.objects.count() == 1


@pytest.mark.usefixtures("invoice")
def test_undo_restores_the_answer(sign_in: SignInFixture, rob: User) -> None:
    _invoices(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.locator("[name='number/total']").fill("120")
    page.get_by_label("Note").fill("read off the scan")
    page.get_by_role("button", name="Send this answer").last.click()
    expect_item(page, "Check again")
    page.keyboard.press("u")
    expect_item(page, "Letter 1.")
    expect(page.locator("[name='number/total']")).to_have_value("120")
    expect(page.get_by_label("Note")).to_have_value("read off the scan")


def test_typing_after_a_shortcut_pressed_too_early_answers_nothing(sign_in: SignInFixture, rob: User) -> None:
    """`t1` is one thing: where `t` comes too early, `1` is no answer."""
    enqueue_letters(1, 2)
    page = sign_in(rob)
    page.clock.install()
    page.goto(DESK_URL)
    expect_item(page, "Letter 1.")
    page.evaluate(UNREADY)
    page.keyboard.press("t")
    page.evaluate(READY)
    page.keyboard.type("1a")
    page.keyboard.press("n")
    expect(page.get_by_label("Note")).not_to_be_focused()
    page.clock.run_for(500)
    assert not Verdict.objects.exists()
    page.keyboard.press("a")
    expect_item(page, "Letter 2.")
    assert Verdict.objects.get().kind == "agree"


def test_digits_typed_with_shift_work_as_shortcuts(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    page.evaluate("""document.body.dispatchEvent(
        new KeyboardEvent('keydown', {key: '1', code: 'Digit1', shiftKey: true, bubbles: true}))""")
    expect_item(page, "Letter 2.")
    assert Verdict.objects.get().answer == "billing"


def _granted(route: Route) -> Callable[[], None]:
    """The answer that the server gives now, to be given to the page later."""
    response = route.fetch()
    return lambda: route.fulfill(response=response)


def _refused(route: Route) -> Callable[[], None]:
    """The answer that the server gives later."""
    return route.continue_


@pytest.mark.parametrize(("hold", "status"), [(_granted, 200), (_refused, 409)], ids=["granted", "refused"])
def test_a_late_renewal_response_does_not_change_the_next_item(
    sign_in: SignInFixture, rob: User, hold: Callable[[Route], Callable[[], None]], status: int
) -> None:
    enqueue_letters(1, 2, 3)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    held: list[Route] = []
    intercept_requests(page, "**/renewal/", held.append, times=1)
    form = page.locator("[data-extend]").element_handle()
    with page.expect_request("**/renewal/"):
        form.evaluate(
            """form => { form.over = new Promise(over => form.addEventListener("htmx:afterRequest", over));
                 form.requestSubmit(); }"""
        )
    expect_item(page, "Letter 1.")
    answer = hold(held[0])
    page.keyboard.press("a")
    expect_item(page, "Letter 2.")
    before = page.locator("#desk").evaluate("desk => desk.outerHTML")
    with page.expect_response("**/renewal/") as answered:
        answer()
    assert answered.value.status == status
    form.evaluate("async form => { await form.over; }")  # what it brought is where it belongs, or nowhere
    assert page.locator("#desk").evaluate("desk => desk.outerHTML") == before
    page.keyboard.press("a")
    expect_item(page, "Letter 3.")


def test_active_time_includes_the_first_answer_and_survives_a_reload(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, answer_first=True)
    enqueue_letters(2)
    page = sign_in(rob)
    page.clock.install()
    page.goto(DESK_URL)
    expect_item(page, "Letter 1.")
    for _ in range(8):
        page.keyboard.press("Shift")
        page.clock.run_for(1000)
    page.reload()
    expect_item(page, "Letter 1.")
    page.keyboard.press("1")
    expect(page.locator("#desk[data-ready] .yours")).to_be_visible()
    page.clock.run_for(4000)
    Slot.objects.update(reserved_at=timezone.now() - timedelta(minutes=5))
    page.keyboard.press("k")
    expect_item(page, "Letter 2.")
    seconds = Verdict.objects.get().active_seconds
    assert seconds is not None
    assert 12 <= seconds < 30
