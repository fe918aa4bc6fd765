"""Takes the pictures of `docs/desk.md`: each scene on a desk and on a phone, light above and dark below, in one file.

    make screenshots                      all of them
    make screenshots ARGS="-k structured" some

Written as tests because it needs what they have: servers of their own, the cast, and the desk's scenes. A page that
scrolls sideways fails, and so does one that logs an error.
"""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, ViewportSize

from reviewqueue.models import User
from tests.browser.test_accessibility import SCHEMES, SETTLED
from tests.helpers.scenes import Scene, build_scenes
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FOLDER = Path(settings.BASE_DIR) / "docs" / "images" / "desk"
WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
HEIGHT, GAP = 560, 12
# States that a sentence tells better than a picture does; and a phone shows no keys.
UNSEEN = {
    "structured-mistake", "long-list-searched", "settings-mistake", "past-decisions", "draft", "nothing-waits",
    "keys-dialog", "long-words", "long-words-answered", "long-words-guidelines", "streams", "keys", "hebrew",
    "structured-misfit", "asked-fields-refused", "hidden-characters", "guarantee-empty", "guarantee-to-each",
    "guarantee-ended", "overview", "guarantee-fields", "guarantee-versions",
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in build_scenes() if name not in UNSEEN])
def test_takes_a_picture_of(sign_in: SignInFixture, chromium: Browser, name: str) -> None:
    scene = build_scenes()[name]
    scene.prepare()
    wide = _taken(sign_in, scene, WIDE)
    phone = _taken(sign_in, scene, PHONE)
    FOLDER.mkdir(parents=True, exist_ok=True)
    _compose(chromium, [*zip(wide, phone, strict=True)], FOLDER / f"{name}.jpg")


def _taken(sign_in: SignInFixture, scene: Scene, size: ViewportSize) -> list[bytes]:
    """One picture for each scheme, from one sitting: a second one would find the scene played already."""
    touch = size is PHONE
    user = User.objects.get(username=scene.who)
    page = sign_in(
        user, scene.path, viewport=size, has_touch=touch, is_mobile=touch, reduced_motion="reduce", locale="en-GB"
    )
    page.evaluate("document.fonts.ready")
    scene.play(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
    return [_picture(page, scheme) for scheme in SCHEMES]


def _picture(page: Page, scheme: str) -> bytes:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.evaluate(SETTLED)
    return page.screenshot()


def _compose(chromium: Browser, rows: list[tuple[bytes, bytes]], path: Path) -> None:
    scaled = [round(size["width"] * HEIGHT / size["height"]) for size in (WIDE, PHONE)]
    page = chromium.new_page(viewport={"width": sum(scaled) + GAP, "height": 2 * HEIGHT + GAP})
    images = "".join(
        f'<img src="data:image/png;base64,{base64.b64encode(one).decode()}">' for row in rows for one in row
    )
    page.set_content(
        f"<style>body {{ margin: 0; display: grid; gap: {GAP}px; grid-template-columns: {scaled[0]}px {scaled[1]}px; "
        f"background: #8a8a85 }} img {{ display: block; width: 100%; height: {HEIGHT}px }}</style>{images}"
    )
    page.screenshot(path=path, type="jpeg", quality=70)
    page.close()
