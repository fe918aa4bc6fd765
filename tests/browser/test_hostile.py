"""A hundred attacks in every place that shows what strangers wrote, in a real browser: nothing runs, nothing is asked
of anybody else, and no element is there that plain words would not have."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import ConsoleMessage, Dialog, Page, expect
from pytest_django.live_server_helper import LiveServer

from reviewqueue import content
from reviewqueue.models import Queue, Slot, User, Verdict
from reviewqueue.reports import history
from tests.helpers import hostile_pages, hostile_strings, queue_items
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ATTACKS, HARMLESS = hostile_strings.HOSTILE_STRINGS, hostile_strings.HARMLESS_STRINGS
# What is not ours: elements that no template has, and what runs or fetches by itself.
FOREIGN = """() => [...document.querySelectorAll("main *, main ~ *")].filter((one) =>
  one.matches("script, iframe, object, embed, base, style, link, meta, svg, math, video, audio, marquee, x-y") ||
  one.getAttributeNames().some((name) => /^on|^srcdoc$|^hx-on|^hx-vals$|^data-hx/.test(name)) ||
  /^(?!\\/(?!\\/)|#|\\?|data:image\\/)/.test(one.getAttribute("src") ?? one.getAttribute("href") ?? "#")
).map((one) => one.outerHTML.slice(0, 200))"""
# What an item, and the panel beside it, are made of: how often which element with which attributes. What makes hidden
# characters visible, which plain words have none of, is left out.
ELEMENTS = """(roots) => {
  const counts = {};
  function count(within) {
    for (const one of within.querySelectorAll("*")) {
      if (one.matches("span:is(.hidden-char, .confusable, .visually-hidden), p.hint[dir]")) continue;
      const names = one.getAttributeNames().filter((name) => name !== "open");  // long data is folded
      const made = [one.localName, ...names.sort()].join(" ");
      counts[made] = (counts[made] ?? 0) + 1;
      if (one.matches("template")) count(one.content);
    }
  }
  for (const root of document.querySelectorAll(roots)) count(root);
  return counts;
}"""
# What a person might set off by looking around.
TOUCH = """() => { for (const one of document.querySelectorAll('main *')) for (const type of
  ['pointerenter', 'mouseover', 'mouseenter', 'focus', 'toggle', 'load', 'error', 'animationstart'])
    one.dispatchEvent(new Event(type)); }"""
# As a browser without scripts sends the form: with the button that was pressed.
SUBMIT = """() => {
  const form = document.getElementById("judgement");
  form.append(Object.assign(document.createElement("input"), { name: "verdict", value: "agree" }));
  form.submit();
}"""
type Watch = Callable[[User], Page]


@pytest.fixture
def watch(sign_in: SignInFixture, live_server: LiveServer) -> Iterator[Watch]:
    """Opens pages on which every request, dialog, window and complaint is counted; after the test there were none."""
    seen: list[str] = []

    def refuse(dialog: Dialog) -> None:
        seen.append(dialog.message)
        dialog.dismiss()

    def open_as(user: User) -> Page:
        page = sign_in(user)
        page.on("request", lambda request: None if _is_own(request.url, live_server.url) else seen.append(request.url))
        page.on("dialog", refuse)
        page.on("popup", lambda popup: seen.append(popup.url))
        page.on("console", lambda line: seen.append(line.text) if _is_complaint(line) else None)
        return page

    yield open_as
    assert seen == []


def _is_own(url: str, origin: str) -> bool:
    return url.startswith((f"{origin}/", "data:image/"))


def _is_complaint(line: ConsoleMessage) -> bool:
    """Refusals appear in the console; what was asked for is counted as a request."""
    return line.type == "error" and not line.text.startswith("Failed to load resource")


def _looked_at(page: Page, roots: str = "#item") -> dict[str, int]:
    """What is there once everything was touched, and nothing of it is foreign."""
    page.keyboard.press("v")
    page.evaluate(TOUCH)
    assert page.evaluate(FOREIGN) == []
    assert page.evaluate("window.broken") is None
    elements: dict[str, int] = page.evaluate(ELEMENTS, roots)
    return elements


def _answer(page: Page, key: str) -> None:
    """To the next item, or to the end."""
    claim = page.locator("#desk").get_attribute("data-claim")
    page.keyboard.press(key)
    expect(page.locator(f"#desk[data-ready]:not([data-claim='{claim}'])")).to_be_attached()


@pytest.mark.parametrize("kind", sorted(content.BLOCK_KINDS))
def test_attacks_in_every_kind_of_content_render_like_harmless_text(
    watch: Watch, queue: Queue, rob: User, kind: str
) -> None:
    Queue.objects.update(display=hostile_strings.DISPLAY_KINDS)
    for number, strings in enumerate((ATTACKS, HARMLESS), start=1):
        queue_items.enqueue_items(number, input=hostile_strings.INPUT_BUILDERS[kind](strings))
    page = watch(rob)
    page.goto(hostile_pages.DESK_URL)
    expect(page.locator("#desk[data-ready] #item")).to_contain_text("window.broken=1")
    made = _looked_at(page)
    _answer(page, "a")
    expect(page.locator("#item")).to_contain_text("plain words")
    assert made == _looked_at(page)


def test_attacks_in_rewritten_texts_are_text(watch: Watch, queue: Queue, rob: User) -> None:
    count = hostile_pages.enqueue_rewritings(queue, ATTACKS)
    page = watch(rob)
    page.goto(hostile_pages.DESK_URL)
    for _item in range(count):
        expect(page.locator("#desk[data-ready] #item .content-diff :is(ins, del)")).to_have_count(2)
        _looked_at(page)
        _answer(page, "a")


@pytest.mark.parametrize("form", hostile_pages.ANSWER_FORMS)
def test_attacks_around_the_content_render_like_harmless_text(watch: Watch, queue: Queue, rob: User, form: str) -> None:
    for number, strings in ((2, HARMLESS), (1, ATTACKS)):
        hostile_pages.enqueue_attack(queue, strings, form=form, number=number)
    page = watch(rob)
    page.goto(hostile_pages.DESK_URL)
    expect(page.locator("#desk[data-ready] #item")).to_contain_text("window.broken=1")
    page.keyboard.press("g")
    expect(page.locator("dialog[open]")).to_be_visible()
    page.keyboard.press("Escape")
    made = _looked_at(page, "#desk .item, #desk .panel")
    _answer(page, "x")
    expect(page.locator("#item")).to_contain_text("plain words")
    assert made == _looked_at(page, "#desk .item, #desk .panel")


def test_attacks_in_validation_errors_are_text(watch: Watch, queue: Queue, rob: User) -> None:
    hostile_pages.enqueue_attack(queue, ATTACKS, form="structured")
    page = watch(rob)
    page.goto(hostile_pages.DESK_URL)
    expect(page.locator("#desk[data-ready]")).to_be_attached()
    page.keyboard.press("f")
    page.locator("#note").press("Control+Enter")
    expect(page.locator("#notice li")).not_to_have_count(0)
    expect(page.locator(".field-error:visible", has_text="window.broken=1").first).to_be_visible()
    _looked_at(page)


def test_attacks_in_the_note_of_a_late_submit_are_text(watch: Watch, queue: Queue, rob: User) -> None:
    """As without JavaScript, which keeps the note where it was typed."""
    queue_items.enqueue_items(1)
    page = watch(rob)
    page.goto(hostile_pages.DESK_URL)
    expect(page.locator("#desk[data-ready]")).to_be_attached()
    Slot.objects.update(reserved_until="2020-01-01T00:00Z")
    page.locator("#note").evaluate("(note, typed) => { note.value = typed; }", "\n".join(ATTACKS))
    page.evaluate(SUBMIT)
    expect(page.locator("#notice blockquote")).to_contain_text("window.broken=1")
    _looked_at(page)


def test_attacks_typed_by_reviewers_are_text_in_the_final_say(watch: Watch, queue: Queue, ann: User) -> None:
    for number, strings in ((2, HARMLESS), (1, ATTACKS)):
        hostile_pages.enqueue_dispute(queue, strings, number=number)
    page = watch(ann)
    page.goto(hostile_pages.DESK_URL)
    expect(page.locator("#desk[data-ready] .opinion")).to_have_count(len(ATTACKS) + 1)
    made = _looked_at(page, "#desk .item, #desk .panel")
    page.locator("#reason").select_option("ambiguous")
    _answer(page, "x")
    expect(page.locator(".opinion-note").first).to_contain_text("plain words")
    assert made == _looked_at(page, "#desk .item, #desk .panel")


@pytest.mark.parametrize("half", [0, 1])
def test_attacks_in_past_decisions_are_text(watch: Watch, queue: Queue, rob: User, half: int) -> None:
    strings = ATTACKS[half * history.HISTORY_COUNT :][: history.HISTORY_COUNT]
    hostile_pages.create_decided_items(queue, strings, rob)
    page = watch(rob)
    page.goto(f"{hostile_pages.DESK_URL}verdicts/")
    expect(page.locator(".decided-what")).to_have_count(len(strings))
    _looked_at(page)
    hostile_pages.settle_items()
    for verdict in Verdict.objects.filter(user=rob):
        page.goto(f"{hostile_pages.DESK_URL}verdicts/{verdict.pk}/", wait_until="domcontentloaded")
        _looked_at(page)
