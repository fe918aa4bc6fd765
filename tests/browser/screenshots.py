"""Pictures of a running product, in both schemes and at two widths.

    make screenshots ARGS="http://127.0.0.1:8000 --user ann --password … / /queues/intents/"

Names a picture after its page, width and scheme, and fails when a page answers with an error or scrolls sideways.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

type Scheme = Literal["light", "dark"]

SCHEMES: tuple[Scheme, ...] = ("light", "dark")
SIZES: dict[str, ViewportSize] = {"wide": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def main() -> int:
    wanted = _arguments()
    wanted.to.mkdir(parents=True, exist_ok=True)
    path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        problems = [line for scheme, size in product(SCHEMES, SIZES) for line in _take(browser, wanted, scheme, size)]
        browser.close()
    sys.stderr.writelines(f"{line}\n" for line in problems)
    return 1 if problems else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Pictures of a running product.")
    parser.add_argument("url")
    parser.add_argument("pages", nargs="*", default=["/"])
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--to", type=Path, default=Path("docs/images"))
    return parser.parse_intermixed_args()


def _take(browser: Browser, wanted: argparse.Namespace, scheme: Scheme, size: str) -> list[str]:
    """The pictures of one scheme and width; returns what is wrong with the pages."""
    touch = size == "phone"
    context = browser.new_context(
        base_url=wanted.url,
        viewport=SIZES[size],
        color_scheme=scheme,
        is_mobile=touch,
        has_touch=touch,
    )
    page = context.new_page()
    _sign_in(page, wanted.user, wanted.password)
    problems = [problem for path in wanted.pages if (problem := _picture(page, path, f"{size}-{scheme}", wanted.to))]
    context.close()
    return problems


def _sign_in(page: Page, user: str, password: str) -> None:
    page.goto("/sign-in/")
    page.locator("input[name=username]").fill(user)
    page.locator("input[name=password]").fill(password)
    page.locator("main button").first.click()
    page.wait_for_load_state()


def _picture(page: Page, path: str, suffix: str, folder: Path) -> str | None:
    response = page.goto(path)
    page.wait_for_load_state("load")
    page.evaluate("document.fonts.ready")
    name = path.strip("/").replace("/", "-") or "start"
    page.screenshot(path=folder / f"{name}-{suffix}.png", full_page=True)
    if response is None or response.status >= 400:
        return f"{path}: {response.status if response else 'no answer'}"
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        return f"{path} ({suffix}) scrolls sideways"
    return None


if __name__ == "__main__":
    sys.exit(main())
