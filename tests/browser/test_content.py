"""Images, transcripts, tables and candidates in a real browser."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from escalation.decisions import settle
from escalation.models import Stream
from reviewqueue.models import User
from tests.browser.test_accessibility import complaints
from tests.helpers import content_samples, pictures, queue_items, stream_setup
from tests.helpers.desk_page import DESK_URL, expect_item
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LARGE = {"image": pictures.draw_landscape(1200, 800)}
# How far things have moved once the picture is painted: what moves in a frame is known in the one after it.
SHIFTED = """async () => {
  await document.querySelector(".picture img").decode();
  for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
  const moved = [...window.shifts, ...window.observer.takeRecords()].filter((entry) => !entry.hadRecentInput);
  return moved.reduce((sum, entry) => sum + entry.value, 0);
}"""


def _open(sign_in: SignInFixture, user: User, *inputs: Any, **options: Any) -> Page:
    for number, content in enumerate(inputs, start=1):
        queue_items.enqueue_items(number, input=content)
    page = sign_in(user, DESK_URL, **options)
    expect_item(page)
    return page


def _matrix(page: Page) -> list[float]:
    """Scale and place of the first picture: a, b, c, d, e, f."""
    found: list[float] = page.evaluate(
        """() => { const style = getComputedStyle(document.querySelector(".picture img"));
             const m = new DOMMatrix(style.transform); return [m.a, m.b, m.c, m.d, m.e, m.f]; }"""
    )
    return found


def _filter(page: Page) -> str:
    found: str = page.evaluate("getComputedStyle(document.querySelector('.picture img')).filter")
    return found


def _level(page: Page) -> Locator:
    return page.locator("[data-zoom-level]")


def test_an_image_is_zoomed_and_panned_by_keyboard(sign_in: SignInFixture, rob: User) -> None:
    page = _open(sign_in, rob, LARGE)
    fitting = _level(page).text_content() or ""
    assert fitting.endswith("\xa0%")
    page.keyboard.press("z")
    expect(_level(page)).to_have_text("100\xa0%")
    expect(page.locator('[data-key="z"]')).to_have_attribute("aria-pressed", "true")
    page.get_by_role("group", name="Image, 1,200 by 800").focus()
    page.keyboard.press("ArrowRight")
    assert _matrix(page)[4] == -60
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    assert _matrix(page)[4] > -400, "it stays in its stage"
    page.keyboard.press("+")
    expect(_level(page)).to_have_text("150\xa0%")
    page.keyboard.press("-")
    expect(_level(page)).to_have_text("100\xa0%")
    page.keyboard.press("z")
    expect(_level(page)).to_have_text(fitting)


def test_only_a_tiny_image_has_hard_edges(sign_in: SignInFixture, rob: User) -> None:
    page = _open(sign_in, rob, {"images": [pictures.draw_digit(), LARGE["image"]]})
    expect(page.locator(".picture")).to_have_count(2)
    drawn = page.locator(".picture img").evaluate_all(
        'images => images.map((image) => [image.getAttribute("width"), getComputedStyle(image).imageRendering])'
    )
    assert drawn == [["8", "pixelated"], ["1200", "auto"]]


def test_an_image_can_be_clicked_dragged_and_zoomed_by_wheel(sign_in: SignInFixture, rob: User) -> None:
    page = _open(sign_in, rob, LARGE)
    stage = page.locator("[data-picture-stage]")
    box = stage.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 10, box["y"] + 10)
    expect(_level(page)).to_have_text("100\xa0%")
    assert _matrix(page)[4] > 0, "what was pressed stays under the pointer"
    before = _matrix(page)
    page.mouse.down()
    page.mouse.move(box["x"] - 40, box["y"] - 20, steps=4)
    page.mouse.up()
    after = _matrix(page)
    assert (after[4] - before[4], after[5] - before[5]) == pytest.approx((-50, -30), abs=1)
    expect(_level(page)).to_have_text("100\xa0%")
    page.keyboard.down("Control")
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    expect(_level(page)).not_to_have_text("100\xa0%")
    assert page.evaluate("visualViewport.scale") == 1


def test_blur_is_remembered_and_lifted_by_holding_or_pressing(sign_in: SignInFixture, rob: User) -> None:
    page = _open(sign_in, rob, LARGE, {"images": [pictures.draw_digit(), pictures.draw_digit()]})
    assert _filter(page) == "none"
    page.keyboard.press("b")
    page.keyboard.press("y")
    assert "blur" in _filter(page)
    assert "grayscale" in _filter(page)
    page.reload()
    expect_item(page)
    assert "blur" in _filter(page)
    expect(page.locator('[data-shade="blur"]')).to_have_attribute("aria-pressed", "true")
    veil = page.get_by_role("button", name="Hold to show")
    veil.press("Enter")
    assert _filter(page) == "grayscale(1)"
    page.keyboard.press("x")
    expect(page.locator(".picture")).to_have_count(2)
    expect_item(page)
    assert "blur" in _filter(page), "the next item is behind its shade again"
    page.keyboard.press("b")
    assert _filter(page) == "grayscale(1)"


def test_a_held_picture_is_shown_while_it_is_held(sign_in: SignInFixture, rob: User) -> None:
    page = _open(sign_in, rob, LARGE)
    page.clock.install()
    page.clock.pause_at(timezone.now() + timedelta(seconds=20))
    page.keyboard.press("b")
    page.locator("[data-picture-veil]").hover()
    page.mouse.down()
    expect(page.locator(".picture[data-peek]")).to_be_visible()
    page.clock.run_for(400)  # a press this long is a hold
    page.mouse.up()
    expect(page.locator(".picture[data-peek]")).to_have_count(0)
    page.locator("[data-picture-veil]").click()
    expect(page.locator(".picture[data-peek]")).to_be_visible()
    page.get_by_role("button", name="Hide again").click()
    expect(page.locator(".picture[data-peek]")).to_have_count(0)


def test_the_persons_setting_holds_until_they_choose_here(sign_in: SignInFixture, rob: User) -> None:
    page = _open(sign_in, rob, LARGE)

    def blurred_by(setting: str) -> str:
        page.route("**/queues/intents/", lambda route: _with_setting(route, setting), times=1)
        page.reload()
        expect_item(page)
        return _filter(page)

    assert "blur" in blurred_by("true")
    page.keyboard.press("b")
    assert "blur" not in _filter(page)
    assert "blur" not in blurred_by("true")
    assert "blur" not in blurred_by("false")
    assert "blur" in blurred_by("true"), "what was chosen here held until the setting changed"


def _with_setting(route: Any, setting: str) -> None:
    response = route.fetch()
    marked = f'data-desk data-blur="{setting}"'
    route.fulfill(response=response, body=response.text().replace("data-desk", marked, 1))


def test_nothing_moves_when_a_picture_arrives(sign_in: SignInFixture, rob: User) -> None:
    page = _open(sign_in, rob, {"text": "Before."}, {"image": LARGE["image"], "text": "Below the picture."})
    page.evaluate(
        """() => { window.shifts = [];
             window.observer = new PerformanceObserver((list) => window.shifts.push(...list.getEntries()));
             window.observer.observe({type: "layout-shift", buffered: false}); }"""
    )
    page.locator('button[data-key="x"]').evaluate("button => button.click()")
    expect(page.get_by_text("Below the picture.")).to_be_visible()
    expect_item(page)
    assert page.evaluate(SHIFTED) == 0


def test_an_image_that_the_browser_cannot_read_shows_a_message(sign_in: SignInFixture, rob: User) -> None:
    broken = pictures.encode_data_url(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x50\0\0\0\x50" + b"nonsense" * 9)
    page = _open(sign_in, rob, {"image": broken}, {"image": broken})
    expect(page.get_by_text("the browser cannot read its data")).to_be_visible()
    expect(page.locator(".picture img")).to_be_hidden()
    page.keyboard.press("x")
    expect(page.locator("#announcement")).to_have_text(re.compile("^New item. Reserved for you until "))
    expect(page.get_by_text("the browser cannot read its data")).to_be_visible()


def test_the_message_to_review_is_in_view(sign_in: SignInFixture, rob: User) -> None:
    chat = [{"role": ("user", "assistant")[n % 2], "content": f"Line {n}. " * 20} for n in range(60)]
    marked = [{**message, "judged": True} if n == 30 else message for n, message in enumerate(chat)]
    page = _open(sign_in, rob, {"messages": chat}, {"messages": marked})
    expect(page.get_by_role("article", name="Message 60 of 60, Assistant, the last answer")).to_be_in_viewport(ratio=1)
    page.keyboard.press("x")
    expect(page.get_by_role("article", name="Message 31 of 60, User, to review")).to_be_in_viewport(ratio=1)
    page.get_by_text("28 earlier messages").scroll_into_view_if_needed()
    page.get_by_text("28 earlier messages").click()
    expect(page.get_by_text("Line 0.").first).to_be_visible()


def test_candidate_transcripts_start_side_by_side(sign_in: SignInFixture, rob: User) -> None:
    chat = [{"role": ("user", "assistant")[n % 2], "content": f"Line {n}. " * 20} for n in range(20)]
    page = _open(sign_in, rob, {"candidates": [chat, chat]})
    expect(page.get_by_role("heading", name="Candidate 1")).to_be_in_viewport()
    expect(page.get_by_role("heading", name="Candidate 2")).to_be_in_viewport()


def test_tools_above_a_transcript_keep_its_end_in_view(sign_in: SignInFixture, rob: User) -> None:
    chat = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": ["What is on this photo?", {"type": "image", "image": LARGE["image"]}]},
        {"role": "Dr. Ellison", "content": "Hills.", "words": 1},
    ]
    page = _open(sign_in, rob, {"text": "Before."}, {"image": "data:image/png;base64,AAAA", "messages": chat})
    page.keyboard.press("x")
    expect(page.get_by_role("article", name="Message 3 of 3")).to_be_in_viewport(ratio=1)


def test_the_prompt_folds_by_key(sign_in: SignInFixture, rob: User) -> None:
    page = _open(sign_in, rob, content_samples.build_samples()["candidates"].item["input"])
    expect(page.get_by_text("Summarise for the board")).to_be_visible()
    page.keyboard.press("v")
    expect(page.get_by_text("Summarise for the board")).to_be_hidden()
    first, second = page.locator(".candidate").all()
    assert _height(first) == _height(second)
    page.set_viewport_size({"width": 390, "height": 844})
    assert _left(first) == _left(second)


def _height(element: Locator) -> float:
    box = element.bounding_box()
    return box["height"] if box else 0


def _left(element: Locator) -> float:
    box = element.bounding_box()
    return box["x"] if box else 0


@pytest.mark.parametrize("width", [320, 768, 1280, 2560])
def test_no_kind_of_content_scrolls_the_page_sideways(sign_in: SignInFixture, rob: User, width: int) -> None:
    wide = {"rows": [{f"column {c}": "x" * 40 for c in range(50)} for _ in range(30)], "fields": {"k" * 90: "v" * 900}}
    talk = {"messages": [{"role": "r" * 200, "content": "w" * 500, "tool_call_id": "i" * 300, "other": "o" * 300}]}
    pair = {"candidates": ["a" * 300, "b" * 300], "prompt": "p" * 400}
    page = _open(sign_in, rob, wide, talk, pair, LARGE, viewport={"width": width, "height": 800})
    for kind in (".content-table", ".content-messages", ".content-candidates", ".picture"):
        expect(page.locator(kind).first).to_be_visible()
        expect_item(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("(box => box.scrollWidth <= box.clientWidth)(document.getElementById('item'))"), kind
        page.keyboard.press("x")


def test_every_kind_of_content_is_accessible(sign_in: SignInFixture, rob: User) -> None:
    names = ("messages", "table", "fields", "images", "candidates")
    page = _open(sign_in, rob, *(content_samples.build_samples()[name].item["input"] for name in names))
    for name in names:
        assert complaints(page) == [], name
        claim = page.locator("#desk").get_attribute("data-claim")
        page.keyboard.press("b")
        page.keyboard.press("x")
        expect(page.locator(f'#desk[data-claim="{claim}"]')).to_have_count(0)
        expect(page.locator("#desk[data-ready]")).to_be_attached()


def test_the_output_page_shows_the_same_content_without_the_desks_scripts(
    sign_in: SignInFixture, stream: Stream, ann: User
) -> None:
    content = {**content_samples.build_samples()["messages"].item["input"], "image": pictures.draw_digit()}
    stream_setup.route_outputs(stream, stream_setup.build_output(input=content))
    queue_items.judge_next(ann, "agree")
    settle.settle_items(now=queue_items.time_when_final())
    page = sign_in(ann, reverse("output", args=["intents", "ticket-1"]))
    expect(page.get_by_role("img", name="Image, 8 by 8")).to_be_visible()
    expect(page.get_by_text("Good news: your parcel")).to_be_visible()
    expect(page.get_by_role("toolbar")).to_have_count(0)
    expect(page.get_by_role("button", name="Hold to show")).to_have_count(0)
    page.get_by_role("article", name="Message 1 of 7, System").locator("summary").click()
    expect(page.get_by_text("Never promise refunds above 50 EUR").last).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.picture-stage')).display") == "grid"
