"""Three journeys by keyboard alone, checked in the accessibility tree; focus and contrast modes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from escalation.models import Policy
from reviewqueue.models import AnswerSchema, Membership, Queue, User, Verdict
from tests.helpers import invoices, queue_items, traffic
from tests.helpers.scenes import build_scenes, enqueue_final_say, enqueue_letter
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DESK = "/queues/intents/"
# Writes down whatever a screen reader would say by itself: each text that a live region gets.
LISTEN = """
window.said = [];
new MutationObserver((changes) => {
  const live = '[role=status], [role=alert], [aria-live]';
  const around = ({target}) => (target.closest ? target : target.parentElement)?.closest(live);
  for (const region of new Set(changes.map(around))) {
    if (region?.textContent.trim()) window.said.push(region.textContent.trim().replace(/\\s+/g, ' '));
  }
}).observe(document, {subtree: true, childList: true, characterData: true});
"""
FOCUS = """() => {
  const focused = document.activeElement, style = getComputedStyle(focused);
  return {
    tag: focused.tagName,
    seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1 && focused.checkVisibility(),
    what: focused.outerHTML.slice(0, 100),
  };
}"""


def _ready(page: Page, text: str) -> None:
    expect(page.locator("#desk[data-ready]").get_by_role("region", name="Content")).to_contain_text(text)
    assert page.evaluate("document.activeElement !== document.body"), "the focus was lost"


def _tab_to(page: Page, target: Locator, *, most: int = 60) -> None:
    """Press Tab until it has the focus, which is in sight at every stop."""
    for _ in range(most):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        assert focus["seen"] or focus["tag"] == "BODY", focus["what"]
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach {target}")


def _said(page: Page) -> list[str]:
    """What live regions have said since the last time."""
    told: list[str] = page.evaluate("window.said.splice(0)")
    return told


def _queue_of_ten(queue: Queue) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="structured", schema=invoices.SCHEMA)
    AnswerSchema.objects.create(queue=queue, number=3, kind="labels", answers=["price", "service", "delivery"])
    structured: dict[str, Any] = {"schema_number": 2, "proposal": invoices.ANSWER, "field_hints": invoices.HINTS}
    labels: dict[str, Any] = {"schema_number": 3, "proposal": ["price"]}
    kinds: dict[int, dict[str, Any]] = {3: {"answer_first": True}, 5: structured, 6: labels}
    for number in range(1, 11):
        told = {"alternatives": [], **kinds.get(number, {})}
        queue_items.enqueue_items(number, input={"text": f"Letter {number}."}, **told)


def test_a_reviewer_finishes_ten_mixed_items_by_keyboard_alone(sign_in: SignInFixture, rob: User, queue: Queue) -> None:
    _queue_of_ten(queue)
    page = sign_in(rob, viewport={"width": 1280, "height": 800})
    page.context.add_init_script(LISTEN)
    page.goto("/")
    expect(page.get_by_role("main")).to_match_aria_snapshot(
        """
        - heading "Review" [level=1]
        - link /Start with Support intents/
        - list "Your queues":
          - listitem:
            - link /Support intents 10 wait/
        """
    )
    page.keyboard.press("Enter")
    _ready_without_focus(page, "Letter 1.")
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
    _said(page)
    page.keyboard.press("a")
    _ready(page, "Letter 2.")
    _expect_said_once(page, "New item. Reserved for you until")
    page.keyboard.press("1")
    _ready(page, "Letter 3.")
    _expect_said_once(page, "Answer first.")
    page.keyboard.press("2")
    _ready(page, "Letter 4.")
    _expect_said_once(page, "Same answer as the AI.")
    page.keyboard.press("u")
    _ready(page, "Letter 3.")
    expect(page.get_by_text("You gave the same answer.")).to_be_visible()
    page.keyboard.press("a")
    _ready(page, "Letter 4.")
    page.keyboard.press("t")
    reasons = page.get_by_role("dialog", name="Why can’t it be judged?")  # noqa: RUF001 - an apostrophe
    expect(reasons.get_by_role("button").first).to_be_focused()
    page.keyboard.press("2")
    _ready(page, "Letter 5.")
    total = page.get_by_role("textbox", name=re.compile("Total"))
    _tab_to(page, total)
    total.press("ControlOrMeta+a")
    page.keyboard.type("120")
    page.keyboard.press("Control+Enter")
    _ready(page, "Letter 6.")
    page.keyboard.press("3")
    expect(page.get_by_role("checkbox", name=re.compile("Delivery"))).to_be_checked()
    page.keyboard.press("Control+Enter") if page.evaluate(
        "document.activeElement.closest('[data-judgement]')"
    ) else page.keyboard.press("Enter")
    for number, key in ((7, "x"), (8, "2"), (9, "a")):
        _ready(page, f"Letter {number}.")
        page.keyboard.press(key)
    _ready(page, "Letter 10.")
    _said(page)
    _tab_to(page, page.get_by_role("button", name=re.compile("^Billing")))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No items to review")).to_be_visible()
    expect(page.get_by_role("link", name="Check again")).to_be_focused()
    _expect_said_once(page, "No items to review.")
    assert Verdict.objects.counting().count() == 10


def _ready_without_focus(page: Page, text: str) -> None:
    """A page that was just loaded has its focus nowhere yet, as any page."""
    expect(page.locator("#desk[data-ready]").get_by_role("region", name="Content")).to_contain_text(text)


def _expect_said_once(page: Page, text: str) -> None:
    """It was said, and nothing else but how many answers are ticked."""
    expect(page.locator("#announcement")).to_contain_text(text)
    said = _said(page)
    assert len(said) == 1, said
    assert text in said[0]


@pytest.mark.parametrize("key", ["Escape", "Control+Enter"])
def test_escape_leaves_the_note_so_that_an_answer_key_sends_both(sign_in: SignInFixture, rob: User, key: str) -> None:
    queue_items.enqueue_items(1, input={"text": "Letter 1."})
    page = sign_in(rob, DESK)
    _ready_without_focus(page, "Letter 1.")
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
    _ready_without_focus(page, "Letter 1.")
    for _ in range(2):
        page.keyboard.press("n")
        page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_have_text("Nothing was sent. Choose an answer first.")
    assert _said(page) == ["Nothing was sent. Choose an answer first."]
    assert not Verdict.objects.exists()


def test_enter_with_a_modifier_presses_the_answer_that_has_the_focus(sign_in: SignInFixture, rob: User) -> None:
    queue_items.enqueue_items(1, input={"text": "Letter 1."})
    page = sign_in(rob, DESK)
    _ready_without_focus(page, "Letter 1.")
    page.get_by_role("button", name=re.compile("^Billing")).focus()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="No items to review")).to_be_visible()
    assert Verdict.objects.get().answer == "billing"


def test_a_lead_has_the_final_say_with_a_reason(sign_in: SignInFixture) -> None:
    enqueue_final_say()
    page = sign_in(User.objects.get(username="ann"))
    _tab_to(page, page.get_by_role("main").get_by_role("link", name=re.compile("^Support intents")))
    page.keyboard.press("Enter")
    _ready_without_focus(page, "charged twice")
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
    _ready_without_focus(page, "Letter 1.")
    _said(page)
    warning = "Your reservation ends in less than a minute."
    alert = page.get_by_role("alert").filter(has_text=warning)
    expect(alert).to_have_count(0)
    page.clock.fast_forward((14 * 60 + 10) * 1000)
    page.clock.run_for(5000)
    expect(alert).to_be_visible()
    assert _said(page) == [warning]


def test_a_manager_can_sign_in_read_a_report_and_change_a_policy(sign_in: SignInFixture) -> None:
    stream = traffic.apply_stream()
    traffic.post_and_route(stream, "ticket-1", confidence=0.95)
    mara = User.objects.create_user(username="mara", password="mara-password", role="manager")
    Membership.objects.create(user=mara, queue=Queue.objects.get(slug="intents"))
    page = sign_in(None, "/sign-in/")
    name = page.get_by_role("textbox", name="Username")
    if not name.evaluate("element => element === document.activeElement"):
        _tab_to(page, name)
    page.keyboard.type("mara")
    page.keyboard.press("Tab")
    page.keyboard.type("mara-password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    for place, lands in (
        ("Support intents", "/streams/intents/report/"),
        ("Policies", "/streams/intents/policies/"),
        ("New version", "/streams/intents/policies/new/"),
    ):
        _tab_to(page, page.get_by_role("link", name=place, exact=True).last)
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{lands}")
    threshold = page.locator("#id_threshold")
    _tab_to(page, threshold)
    threshold.press("ControlOrMeta+a")
    page.keyboard.type("90")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("in effect")
    assert Policy.objects.latest("number").spec["threshold"] == 0.9


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
