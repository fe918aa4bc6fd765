"""Nothing that somebody has typed or pressed is lost: drafts, retries, lapsed reservations, tabs, sessions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from reviewqueue.models import AnswerSchema, Draft, Queue, Slot, User, Verdict
from tests.browser.signing_in import SignIn
from tests.reviewqueue import items

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DESK = "/queues/intents/"


def _ready(page: Page, text: str = "") -> None:
    """This item is on screen and open for answers."""
    expect(page.locator("#desk[data-ready] #item")).to_contain_text(text)


def _enqueue(*numbers: int, **fields: Any) -> None:
    for number in numbers:
        items.enqueue(number, input={"text": f"Letter {number}."}, **fields)


def _kept(page: Page) -> None:
    expect(page.get_by_text("Draft kept", exact=True)).to_be_visible()


def _lapse() -> None:
    Slot.objects.open().update(reserved_until=timezone.now() - timedelta(seconds=1))


def test_a_draft_survives_a_reload_also_before_the_server_has_it(sign_in: SignIn, rob: User) -> None:
    _enqueue(1)
    page = sign_in(rob, DESK)
    _ready(page)
    page.route("**/draft/", lambda route: route.abort())
    page.get_by_label("Note").fill("half a thought")
    page.reload()
    _ready(page)
    expect(page.get_by_label("Note")).to_have_value("half a thought")
    expect(page.get_by_text("Draft kept in this browser")).to_be_visible()


def test_a_draft_is_in_another_browser_too_and_the_newer_one_counts(sign_in: SignIn, rob: User) -> None:
    _enqueue(1)
    here = sign_in(rob, DESK)
    _ready(here)
    here.get_by_label("Note").fill("written here")
    _kept(here)
    there = sign_in(rob, DESK)
    expect(there.get_by_label("Note")).to_have_value("written here")
    there.get_by_label("Note").fill("and then there")
    expect(there.get_by_label("Note")).to_have_value("and then there")
    with there.expect_response("**/draft/"):
        pass
    here.reload()
    expect(here.get_by_label("Note")).to_have_value("and then there")
    there.route("**/draft/", lambda route: route.abort())
    there.get_by_label("Note").fill("and last, offline")
    there.unroute("**/draft/")
    there.reload()
    expect(there.get_by_label("Note")).to_have_value("and last, offline")


def test_leaving_the_page_saves_what_was_just_typed(sign_in: SignIn, rob: User) -> None:
    _enqueue(1)
    page = sign_in(rob, DESK)
    _ready(page)
    page.get_by_label("Note").fill("typed and gone")
    page.goto("/account/")
    # No event tells of a request that a page made while it went.
    assert any(Draft.objects.exists() or not page.request.get("/account/") for _ in range(100))
    there = sign_in(rob, DESK)
    expect(there.get_by_label("Note")).to_have_value("typed and gone")


def test_nothing_is_saved_of_an_untouched_form(sign_in: SignIn, rob: User) -> None:
    _enqueue(1, 2)
    page = sign_in(rob)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/draft/") else None)
    page.goto(DESK)
    _ready(page, "Letter 1.")
    page.keyboard.press("a")
    _ready(page, "Letter 2.")
    page.goto("/")
    assert asked == []
    assert not Draft.objects.exists()


def test_ticks_come_back_as_they_were(sign_in: SignIn, rob: User, queue: Queue) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="labels", answers=["price", "service", "delivery"])
    _enqueue(1, schema_number=2, proposal=["price"], alternatives=[])
    page = sign_in(rob, DESK)
    _ready(page)
    page.get_by_role("checkbox", name="Price").uncheck()
    page.get_by_role("checkbox", name="Delivery").check()
    _kept(page)
    page.evaluate("localStorage.clear()")
    page.reload()
    expect(page.get_by_role("checkbox", name="Delivery")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Price")).not_to_be_checked()


def test_fields_come_back_as_they_were(sign_in: SignIn, rob: User, queue: Queue) -> None:
    schema = {"type": "object", "properties": {"total": {"type": "number"}, "shop": {"type": "string"}}}
    AnswerSchema.objects.create(queue=queue, number=2, kind="structured", schema=schema)
    proposal = {"total": 12, "shop": "ACME"}
    _enqueue(1, schema_number=2, proposal=proposal, alternatives=[], field_hints={"/total": 0.2, "/shop": 0.2})
    page = sign_in(rob, DESK)
    _ready(page)
    page.get_by_label("Total").fill("17.5")
    page.get_by_label("Shop").fill("")
    _kept(page)
    page.reload()
    expect(page.get_by_label("Total")).to_have_value("17.5")
    expect(page.get_by_label("Shop")).to_have_value("")


def test_a_sent_draft_is_gone_from_the_browser_and_from_the_server(sign_in: SignIn, rob: User) -> None:
    _enqueue(1, 2)
    page = sign_in(rob, DESK)
    _ready(page, "Letter 1.")
    page.get_by_label("Note").fill("sent along")
    _kept(page)
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    _ready(page, "Letter 2.")
    expect(page.get_by_label("Note")).to_have_value("")
    assert page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('desk-draft'))") == []
    assert not Draft.objects.exists()
    assert Verdict.objects.get().note == "sent along"


def test_an_old_draft_is_cleaned_up_in_the_browser(sign_in: SignIn, rob: User) -> None:
    _enqueue(1)
    page = sign_in(rob)
    page.evaluate(
        "([person, now]) => { for (const [item, hours] of [[1, 21], [2, 19]]) localStorage.setItem("
        "`desk-draft:${person}:${item}`, JSON.stringify({at: now - hours * 3600000, stage: 'open',"
        "fields: {note: ['old']}})); }",
        [rob.pk, int(timezone.now().timestamp() * 1000)],
    )
    page.goto(DESK)
    _ready(page)
    expect(page.get_by_label("Note")).to_have_value("")
    kept = page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('desk-draft'))")
    assert kept == [f"desk-draft:{rob.pk}:2"]


def test_what_was_typed_before_the_reveal_stays_a_remark_and_triggers_nothing(sign_in: SignIn, rob: User) -> None:
    _enqueue(1, answer_first=True)
    page = sign_in(rob, DESK)
    _ready(page)
    page.get_by_label("Note").fill("my own thought")
    _kept(page)
    page.reload()
    _ready(page)
    expect(page.get_by_label("Note")).to_have_value("my own thought")
    expect(page.get_by_role("button", name="Agree with the AI")).to_have_count(0)
    page.keyboard.press("1")
    expect(page.get_by_text("You answered: Billing")).to_be_visible()
    expect(page.get_by_label("Note")).to_have_value("my own thought")


def test_a_draft_of_the_open_item_says_nothing_once_it_is_asked_answer_first(sign_in: SignIn, rob: User) -> None:
    _enqueue(1)
    page = sign_in(rob, DESK)
    _ready(page)
    page.get_by_label("Note").fill("the AI says refund")
    _kept(page)
    Slot.objects.update(answer_first=True)
    page.goto(DESK)
    _ready(page)
    expect(page.get_by_label("Note")).to_have_value("")
    assert "the AI says" not in page.content()
