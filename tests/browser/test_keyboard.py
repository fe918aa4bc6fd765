"""The desk by keyboard alone, checked in the accessibility tree; focus and contrast modes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from reviewqueue.models import AnswerSchema, Queue, User, Verdict
from tests.helpers import invoices, queue_items
from tests.helpers.keyboard_walk import (
    FOCUS,
    LISTEN,
    expect_first_item,
    expect_item,
    expect_said_once,
    tab_to,
    take_said,
)
from tests.helpers.scenes import build_scenes, enqueue_final_say, enqueue_letter
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DESK = "/queues/intents/"


def _enqueue(number: int, **fields: Any) -> None:
    queue_items.enqueue_items(number, input={"text": f"Letter {number}."}, **{"alternatives": []} | fields)


def _open(sign_in: SignInFixture, user: User, path: str = DESK) -> Page:
    """A page that writes down what it says."""
    page = sign_in(user, viewport={"width": 1280, "height": 800})
    page.context.add_init_script(LISTEN)
    page.goto(path)
    return page


def test_the_inbox_and_the_desk_name_their_parts(sign_in: SignInFixture, rob: User) -> None:
    _enqueue(1)
    page = _open(sign_in, rob, "/")
    expect(page.get_by_role("main")).to_match_aria_snapshot(
        """
        - heading "Review" [level=1]
        - link /Start with Support intents/
        - list "Your queues":
          - listitem:
            - link /Support intents 1 waiting/
        """
    )
    page.keyboard.press("Enter")
    expect_first_item(page, "Letter 1.")
    expect(page.get_by_role("region", name="Your answer")).to_match_aria_snapshot(
        """
        - heading "What does the customer want?" [level=2]
        - button /Agree with the AI/
        - button /Billing/
        - button /Refund/
        - button /Card arrival/
        - button /None of these/
        - button /judged/
        - button /Ask the lead/
        - button /Pass/
        - textbox "Note"
        """
    )


def test_each_answer_brings_the_next_item_which_is_announced(sign_in: SignInFixture, rob: User) -> None:
    for number in (1, 2, 3, 4):
        _enqueue(number)
    page = _open(sign_in, rob)
    expect_first_item(page, "Letter 1.")
    take_said(page)
    for number, key in ((2, "a"), (3, "1"), (4, "x")):
        page.keyboard.press(key)
        expect_item(page, f"Letter {number}.")
        expect_said_once(page, "New item. Reserved for you until")
    assert [one.kind for one in Verdict.objects.order_by("pk")] == ["agree", "correct", "none"]


def test_a_first_answer_like_the_ais_is_announced_and_can_be_undone(sign_in: SignInFixture, rob: User) -> None:
    _enqueue(1)
    _enqueue(2, answer_first=True)
    _enqueue(3)
    page = _open(sign_in, rob)
    expect_first_item(page, "Letter 1.")
    take_said(page)
    page.keyboard.press("a")
    expect_item(page, "Letter 2.")
    expect_said_once(page, "Answer first.")
    page.keyboard.press("2")
    expect_item(page, "Letter 3.")
    expect_said_once(page, "Same answer as the AI.")
    page.keyboard.press("u")
    expect_item(page, "Letter 2.")
    expect(page.get_by_text("You gave the same answer.")).to_be_visible()
    page.keyboard.press("a")
    expect_item(page, "Letter 3.")


def test_a_reason_is_chosen_by_its_number(sign_in: SignInFixture, rob: User) -> None:
    _enqueue(1)
    _enqueue(2)
    page = _open(sign_in, rob)
    expect_first_item(page, "Letter 1.")
    page.keyboard.press("t")
    reasons = page.get_by_role("dialog", name="Why can’t it be judged?")  # noqa: RUF001 - an apostrophe
    expect(reasons.get_by_role("button").first).to_be_focused()
    page.keyboard.press("2")
    expect_item(page, "Letter 2.")
    assert Verdict.objects.get().reason == "missing_context"


def test_fields_and_ticks_are_sent_without_a_mouse(sign_in: SignInFixture, rob: User, queue: Queue) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="structured", schema=invoices.SCHEMA)
    AnswerSchema.objects.create(queue=queue, number=3, kind="labels", answers=["price", "service", "delivery"])
    _enqueue(1, schema_number=2, proposal=invoices.ANSWER, field_hints=invoices.HINTS)
    _enqueue(2, schema_number=3, proposal=["price"])
    _enqueue(3)
    page = _open(sign_in, rob)
    expect_first_item(page, "Letter 1.")
    total = page.get_by_role("textbox", name=re.compile("Total"))
    tab_to(page, total)
    total.press("ControlOrMeta+a")
    page.keyboard.type("120")
    page.keyboard.press("Control+Enter")
    expect_item(page, "Letter 2.")
    page.keyboard.press("3")
    expect(page.get_by_role("checkbox", name=re.compile("Delivery"))).to_be_checked()
    page.keyboard.press("Enter")
    expect_item(page, "Letter 3.")
    structured, ticked = Verdict.objects.order_by("pk")
    assert (structured.answer["total"], ticked.answer) == (120, ["price", "delivery"])


def test_the_last_answer_leaves_a_desk_that_says_so_and_keeps_the_focus(sign_in: SignInFixture, rob: User) -> None:
    _enqueue(1)
    page = _open(sign_in, rob)
    expect_first_item(page, "Letter 1.")
    take_said(page)
    tab_to(page, page.get_by_role("button", name=re.compile("^Billing")))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No items to review")).to_be_visible()
    expect(page.get_by_text("Your decision is recorded. That was the last item.")).to_be_visible()
    expect(page.get_by_role("link", name="Check again")).to_be_focused()
    expect_said_once(page, "Your decision is recorded. No items to review.")


@pytest.mark.parametrize("key", ["Escape", "Control+Enter"])
def test_escape_leaves_the_note_so_that_an_answer_key_sends_both(sign_in: SignInFixture, rob: User, key: str) -> None:
    queue_items.enqueue_items(1, input={"text": "Letter 1."})
    page = sign_in(rob, DESK)
    expect_first_item(page, "Letter 1.")
    page.keyboard.press("n")
    page.keyboard.type("seen twice")
    page.keyboard.press(key)
    expect(page.get_by_role("heading", name="What does the customer want?")).to_be_focused()
    assert page.evaluate(FOCUS)["seen"]
    page.keyboard.press("1")
    expect(page.get_by_role("heading", name="No items to review")).to_be_visible()
    verdict = Verdict.objects.get()
    assert (verdict.answer, verdict.note) == ("billing", "seen twice")


def test_sending_a_note_without_an_answer_asks_for_an_answer(sign_in: SignInFixture, rob: User) -> None:
    queue_items.enqueue_items(1, input={"text": "Letter 1."})
    page = sign_in(rob)
    page.context.add_init_script(LISTEN)
    page.goto(DESK)
    expect_first_item(page, "Letter 1.")
    for _ in range(2):
        page.keyboard.press("n")
        page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_have_text("Nothing was sent. Choose an answer first.")
    assert take_said(page) == ["Nothing was sent. Choose an answer first."]
    assert not Verdict.objects.exists()


def test_enter_with_a_modifier_presses_the_answer_that_has_the_focus(sign_in: SignInFixture, rob: User) -> None:
    queue_items.enqueue_items(1, input={"text": "Letter 1."})
    page = sign_in(rob, DESK)
    expect_first_item(page, "Letter 1.")
    page.get_by_role("button", name=re.compile("^Billing")).focus()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="No items to review")).to_be_visible()
    assert Verdict.objects.get().answer == "billing"


def test_a_lead_has_the_final_say_with_a_reason(sign_in: SignInFixture) -> None:
    enqueue_final_say()
    page = sign_in(User.objects.get(username="ann"))
    tab_to(page, page.get_by_role("main").get_by_role("link", name=re.compile("^Support intents")))
    page.keyboard.press("Enter")
    expect_first_item(page, "charged twice")
    sides = page.get_by_role("region", name="Answers so far").get_by_role("listitem")
    expect(sides).to_have_count(3)
    expect(sides.nth(2)).to_contain_text("before seeing")
    reason = page.get_by_role("combobox", name=re.compile("Why did reviewers disagree"))
    page.keyboard.press("j")
    expect(reason).to_be_focused()
    page.keyboard.type("The AI")
    page.keyboard.press("Enter")
    expect(page.locator("#item")).to_be_focused()
    page.keyboard.press("1")
    expect(page.get_by_role("heading", name="No items to review")).to_be_visible()
    verdict = Verdict.objects.get(final_say=True)
    assert (verdict.answer, verdict.reason) == ("billing", "model_error")


def test_the_last_minute_of_a_reservation_is_announced_once(sign_in: SignInFixture, rob: User) -> None:
    queue_items.enqueue_items(1, input={"text": "Letter 1."})
    page = sign_in(rob)
    page.context.add_init_script(LISTEN)
    page.clock.install()
    page.goto(DESK)
    expect_first_item(page, "Letter 1.")
    take_said(page)
    warning = "Your reservation ends in less than a minute."
    alert = page.get_by_role("alert").filter(has_text=warning)
    expect(alert).to_have_count(0)
    page.clock.fast_forward((14 * 60 + 10) * 1000)
    page.clock.run_for(5000)
    expect(alert).to_be_visible()
    assert take_said(page) == [warning]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["letter", "structured", "long-list", "image", "settings", "inbox"])
def test_the_focus_is_visible_at_every_tab_stop(sign_in: SignInFixture, name: str, scheme: Any) -> None:
    scene = build_scenes()[name]
    scene.prepare()
    page = sign_in(User.objects.get(username=scene.who), scene.path, color_scheme=scheme)
    scene.play(page)
    for _ in range(30):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        assert focus["seen"] or focus["tag"] == "BODY", focus["what"]


def test_the_first_stop_skips_to_the_content(sign_in: SignInFixture) -> None:
    enqueue_letter()
    page = sign_in(User.objects.get(username="rob"), DESK)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_reduced_motion_is_respected(sign_in: SignInFixture) -> None:
    enqueue_letter()
    page = sign_in(User.objects.get(username="rob"), DESK, reduced_motion="reduce")
    moving = """() => [...document.querySelectorAll("*")].filter((element) => {
      const style = getComputedStyle(element);
      return [style.transitionDuration, style.animationDuration].some((time) => parseFloat(time) > 0.001);
    }).length"""
    assert page.evaluate(moving) == 0


@pytest.mark.parametrize("name", ["letter", "structured", "multi-label", "reasons"])
def test_forced_colours_keep_borders_ticks_and_the_focus(sign_in: SignInFixture, name: str) -> None:
    scene = build_scenes()[name]
    scene.prepare()
    page = sign_in(User.objects.get(username="rob"), DESK, forced_colors="active")
    scene.play(page)
    borders = page.locator(".choice:visible").evaluate_all(
        "choices => choices.map((choice) => parseFloat(getComputedStyle(choice).borderTopWidth))"
    )
    assert borders
    assert min(borders) >= 1
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS)["seen"]
