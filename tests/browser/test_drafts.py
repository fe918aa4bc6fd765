"""Drafts: unsent input is saved in the browser and on the server, and restored."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from reviewqueue.kernel import clock
from reviewqueue.models import AnswerSchema, Draft, Queue, Slot, User, Verdict
from tests.helpers.browser_network import block_fetch, intercept_requests
from tests.helpers.desk_page import DESK_URL, enqueue_letters, expect_draft_saved, expect_item, pause_clock
from tests.helpers.processes import wait_until
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_draft_survives_a_reload_even_before_the_server_has_it(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    intercept_requests(page, "**/draft/", lambda route: route.abort())
    block_fetch(page)
    page.get_by_label("Note").fill("half a thought")
    page.reload()
    expect_item(page)
    expect(page.get_by_label("Note")).to_have_value("half a thought")
    expect(page.get_by_text("Draft saved in this browser")).to_be_visible()


def test_a_draft_is_shared_between_browsers_and_the_newer_one_wins(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    here = sign_in(rob, DESK_URL)
    expect_item(here)
    here.get_by_label("Note").fill("written here")
    expect_draft_saved(here)
    there = sign_in(rob, DESK_URL)
    expect(there.get_by_label("Note")).to_have_value("written here")
    with there.expect_response("**/draft/"):
        there.get_by_label("Note").fill("and then there")
    here.reload()
    expect(here.get_by_label("Note")).to_have_value("and then there")
    block_fetch(there)
    there.get_by_label("Note").fill("and last, offline")
    there.reload()
    expect(there.get_by_label("Note")).to_have_value("and last, offline")


def test_browser_and_server_give_a_draft_the_same_time(sign_in: SignInFixture, rob: User) -> None:
    """So that what was typed after the server had it is the newer, however long that took."""
    enqueue_letters(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.get_by_label("Note").fill("half a thought")
    expect_draft_saved(page)
    here = page.evaluate("name => JSON.parse(localStorage.getItem(name)).at", f"desk-draft:{rob.pk}:1")
    assert here == clock.to_milliseconds(Draft.objects.get().saved_at)


def test_a_draft_written_after_the_machine_slept_is_the_newer_one(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = sign_in(rob)
    page.add_init_script(
        "performance.now = () => 1; const now = Date.now; Date.now = () => now() + (window.slept ?? 0);"
    )
    page.goto(DESK_URL)
    expect_item(page)
    three_hours = 3 * 3_600_000
    page.evaluate(f"""() => {{
      window.slept = {three_hours};
      const place = document.querySelector("[data-draft]");
      place.dataset.now = String(Number(place.dataset.now) - window.slept);
    }}""")
    page.get_by_label("Note").fill("on Monday")
    expect_draft_saved(page)
    assert timezone.now() - Draft.objects.get().saved_at < timedelta(minutes=5)


def test_continuous_typing_is_saved_on_the_server_too(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = sign_in(rob)
    page.clock.install()
    page.goto(DESK_URL)
    expect_item(page)
    pause_clock(page)
    page.get_by_label("Note").focus()
    for letter in "abcdef":
        page.keyboard.type(letter)
        page.clock.run_for(1000)
    expect_draft_saved(page)
    assert Draft.objects.get().fields["fields"]["note"] == ["abcde"]


def test_leaving_the_page_saves_what_was_just_typed(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.get_by_label("Note").fill("typed and gone")
    page.goto("/account/")
    wait_until(Draft.objects.exists, seconds=15)  # no event tells of a request that a page made while it went
    there = sign_in(rob, DESK_URL)
    expect(there.get_by_label("Note")).to_have_value("typed and gone")


def test_undo_saves_the_draft_of_the_item_it_replaces(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2, undo_seconds=600)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    page.keyboard.press("a")
    expect_item(page, "Letter 2.")
    pause_clock(page)
    page.get_by_label("Note").fill("typed and gone")
    page.keyboard.press("Escape")
    with page.expect_response("**/draft/", timeout=15_000):
        page.keyboard.press("u")
    expect(page.locator("#item")).to_contain_text("Letter 1.")
    draft = Draft.objects.get()
    assert (draft.item_id, draft.fields["fields"]["note"]) == (2, ["typed and gone"])


def test_posted_input_is_not_saved_as_a_draft(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/draft/") else None)
    pause_clock(page)
    page.get_by_label("Note").fill("sent along")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(page.locator("#item")).to_contain_text("Letter 2.")
    page.goto("/")
    assert asked == []


def test_nothing_is_saved_of_an_untouched_form(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/draft/") else None)
    page.goto(DESK_URL)
    expect_item(page, "Letter 1.")
    page.keyboard.press("a")
    expect_item(page, "Letter 2.")
    page.goto("/")
    assert asked == []
    assert not Draft.objects.exists()


def test_ticks_come_back_as_they_were(sign_in: SignInFixture, rob: User, queue: Queue) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="labels", answers=["price", "service", "delivery"])
    enqueue_letters(1, schema_number=2, proposal=["price"], alternatives=[])
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.get_by_role("checkbox", name="Price").uncheck()
    page.get_by_role("checkbox", name="Delivery").check()
    expect_draft_saved(page)
    page.evaluate("localStorage.clear()")
    page.reload()
    expect(page.get_by_role("checkbox", name="Delivery")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Price")).not_to_be_checked()


def test_fields_come_back_as_they_were(sign_in: SignInFixture, rob: User, queue: Queue) -> None:
    schema = {"type": "object", "properties": {"total": {"type": "number"}, "shop": {"type": "string"}}}
    AnswerSchema.objects.create(queue=queue, number=2, kind="structured", schema=schema)
    proposal = {"total": 12, "shop": "ACME"}
    enqueue_letters(1, schema_number=2, proposal=proposal, alternatives=[], field_hints={"/total": 0.2, "/shop": 0.2})
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.get_by_label("Total").fill("17.5")
    page.get_by_label("Shop").fill("")
    expect_draft_saved(page)
    page.reload()
    expect(page.get_by_label("Total")).to_have_value("17.5")
    expect(page.get_by_label("Shop")).to_have_value("")


def test_a_sent_draft_is_gone_from_the_browser_and_from_the_server(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, 2)
    page = sign_in(rob, DESK_URL)
    expect_item(page, "Letter 1.")
    page.get_by_label("Note").fill("sent along")
    expect_draft_saved(page)
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect_item(page, "Letter 2.")
    expect(page.get_by_label("Note")).to_have_value("")
    assert page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('desk-draft'))") == []
    assert not Draft.objects.exists()
    assert Verdict.objects.get().note == "sent along"


def test_an_old_draft_is_cleaned_up_in_the_browser(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = sign_in(rob)
    page.evaluate(
        "([person, now]) => { for (const [item, hours] of [[1, 21], [2, 19]]) localStorage.setItem("
        "`desk-draft:${person}:${item}`, JSON.stringify({at: now - hours * 3600000, stage: 'open',"
        "fields: {note: ['old']}})); }",
        [rob.pk, int(timezone.now().timestamp() * 1000)],
    )
    page.goto(DESK_URL)
    expect_item(page)
    expect(page.get_by_label("Note")).to_have_value("")
    kept = page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('desk-draft'))")
    assert kept == [f"desk-draft:{rob.pk}:2"]


def test_a_note_typed_before_the_reveal_is_kept_and_triggers_nothing(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1, answer_first=True)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.get_by_label("Note").fill("my own thought")
    expect_draft_saved(page)
    page.reload()
    expect_item(page)
    expect(page.get_by_label("Note")).to_have_value("my own thought")
    expect(page.get_by_role("button", name="Agree with the AI")).to_have_count(0)
    page.keyboard.press("1")
    expect(page.get_by_text("You answered: Billing")).to_be_visible()
    expect(page.get_by_label("Note")).to_have_value("my own thought")


def test_a_draft_with_the_proposal_visible_is_not_restored_answer_first(sign_in: SignInFixture, rob: User) -> None:
    enqueue_letters(1)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.get_by_label("Note").fill("the AI says refund")
    expect_draft_saved(page)
    Slot.objects.update(answer_first=True)
    page.goto(DESK_URL)
    expect_item(page)
    expect(page.get_by_label("Note")).to_have_value("")
    assert "the AI says" not in page.content()
