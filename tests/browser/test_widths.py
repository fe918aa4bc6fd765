"""Every state of the desk at every width and at 200 % zoom: nothing scrolls sideways or is cut off, and axe agrees."""

from __future__ import annotations

import pytest
from playwright.sync_api import ViewportSize

from reviewqueue.models import User
from tests.browser.test_accessibility import complaints
from tests.helpers.scenes import build_scenes
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# The last one is a window of 1280 by 800 at 200 %, which is laid out in half as many pixels.
SIZES: list[ViewportSize] = [
    {"width": 1280, "height": 800},
    {"width": 320, "height": 640},
    {"width": 768, "height": 1024},
    {"width": 2560, "height": 1440},
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
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert complaints(page) == [], width
