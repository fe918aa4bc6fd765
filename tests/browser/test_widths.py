"""Every state of the desk at every width and at 200 % zoom: nothing scrolls sideways or is cut off, and axe agrees."""

from __future__ import annotations

import pytest
from playwright.sync_api import ViewportSize

from reviewqueue.models import User
from tests.browser.test_accessibility import NARROW, SCHEMES, complaints
from tests.helpers.scenes import build_scenes
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# The last one is a window of 1280 by 800 at 200 %, which is laid out in half as many pixels.
SIZES: list[ViewportSize] = [
    {"width": 1280, "height": 800},
    {"width": 320, "height": 640},
    {"width": 768, "height": 1024},
    {"width": 2560, "height": 1440},
    {"width": 1440, "height": 900},
    {"width": 1024, "height": 768},
    {"width": 390, "height": 844},
    {"width": 640, "height": 400},
]
# What is wider than its place and can't be scrolled to, what can be pressed and lies beyond the window's edge, and what
# stands on a button and reaches over its edge. A line may say by its dots that it goes on, in a field the caret goes
# on; what is one pixel wide is for screen readers.
OUT_OF_SIGHT = """() => {
  const holds = (one, ...values) => values.includes(getComputedStyle(one).overflowX);
  const cuts = (one) => !one.matches("input") && one.clientWidth > 1 && holds(one, "hidden", "clip")
    && getComputedStyle(one).textOverflow !== "ellipsis";
  const isCut = (one) => (cuts(one) || one.matches(".item, .item-content, .panel"))
    && one.scrollWidth > one.clientWidth + 1;
  const scrolls = (one) => one && (holds(one, "auto", "scroll") || scrolls(one.parentElement));
  const isBeyond = (one) => {
    const box = one.getBoundingClientRect();
    return one.matches("a, button, input, select, textarea, summary") && !scrolls(one.parentElement)
      && (box.left < -1 || box.right > innerWidth + 1);
  };
  const isOver = (one) => {
    const [box, button] = [one, one.parentElement].map((element) => element.getBoundingClientRect());
    return one.parentElement.matches("button, .choice") && (box.left < button.left - 1 || box.right > button.right + 1);
  };
  return [...document.querySelectorAll("body *")]
    .filter((one) => one.checkVisibility() && !one.closest(".visually-hidden, .skip-link, svg"))
    .filter((one) => isCut(one) || isBeyond(one) || isOver(one))
    .map((one) => one.outerHTML.slice(0, 120));
}"""

# What is for screen readers only, in a box that scrolls but does not hold it in place: it makes the page scroll.
ESCAPED = """() => {
  const scrolls = (one) => ["auto", "scroll"].includes(getComputedStyle(one).overflowX)
    || ["auto", "scroll"].includes(getComputedStyle(one).overflowY);
  const box = (one) => !one || one === document.body ? null : scrolls(one) ? one : box(one.parentElement);
  return [...document.querySelectorAll(".visually-hidden")]
    .filter((one) => one.offsetParent && box(one.parentElement) && !box(one.parentElement).contains(one.offsetParent))
    .map((one) => box(one.parentElement).outerHTML.slice(0, 120));
}"""
# What is read before an answer is given is longer than a small window.
LONG_BEFORE_ANSWERS = {
    "final-say",
    "asked-fields-final-say",
    "reservation-lost",
    "long-words",
    "long-words-answered",
    "long-words-guidelines",
}
# Of the answers on the page, at least one, whole.
HAS_ANSWER_IN_VIEW = """() => {
  const answers = [...document.querySelectorAll(".panel :is(.choice, .field-control :is(input, select, textarea))")];
  const isInView = (one) => {
    const box = one.getBoundingClientRect();
    return box.height && one.contains(document.elementFromPoint(box.left + box.width / 2, box.top + 2))
      && one.contains(document.elementFromPoint(box.left + box.width / 2, box.bottom - 2));
  };
  return !answers.some((one) => one.checkVisibility()) || document.querySelector("dialog[open], :popover-open")
    || answers.some(isInView);
}"""


@pytest.mark.parametrize("name", build_scenes())
def test_every_state_of_the_desk_fits_and_is_accessible(sign_in: SignInFixture, name: str) -> None:
    """One test for both: preparing a state and opening its page take longer than looking at it from all sides."""
    scene = build_scenes()[name]
    scene.prepare()
    page = sign_in(User.objects.get(username=scene.who), scene.path, viewport=SIZES[0], reduced_motion="reduce")
    scene.play(page)
    for size in SIZES:
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], size
        assert page.evaluate(OUT_OF_SIGHT) == [], size
        assert page.evaluate(ESCAPED) == [], size
        assert name in LONG_BEFORE_ANSWERS or page.evaluate(HAS_ANSWER_IN_VIEW), size
    for width, schemes in ((1280, SCHEMES), (390, NARROW)):
        page.set_viewport_size({"width": width, "height": 800})
        assert complaints(page, schemes) == [], width
