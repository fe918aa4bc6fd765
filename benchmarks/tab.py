"""One tab of a real Chromium at a desk: answers by keyboard, measured from inside the page."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from benchmarks.reviewer import Seat

WATCH = Path(__file__).with_name("watch.js")
# The headless shell is the same browser without windows.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ANSWER_KEYS = "123ax"
_ANOTHER = """before => {
  const desk = document.getElementById("desk");
  return desk?.hasAttribute("data-ready") && desk.dataset.claim !== before;
}"""


@dataclass(frozen=True, slots=True)
class Painted:
    """One item, in seconds: from the key press until it was painted, the server's part, and two idle frames."""

    waited: float
    server: float
    frames: float


@dataclass(frozen=True, slots=True)
class Memory:
    """What a tab holds after garbage collection."""

    bytes: int
    nodes: int
    listeners: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A submitted verdict: its key, the claim it was for, and the claim on screen when the key was pressed."""

    claim: str
    key: str
    painted: str


def launched(playwright: Playwright) -> Browser:
    """Launch the machine's own Chromium. Raises LookupError if there is none; none is downloaded."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise LookupError("No Chromium found. Install the package `chromium-headless-shell`.")
    return playwright.chromium.launch(executable_path=path, args=ARGUMENTS)


@contextmanager
def opened(seat: Seat, *, watched: bool = True) -> Iterator[Page]:
    """Open the desk and wait until its first item can be answered."""
    with sync_playwright() as playwright:
        browser = launched(playwright)
        address = f"http://{seat.host}:{seat.port}"
        context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 800})
        name, _, value = seat.session.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": address}])
        page = context.new_page()
        if watched:
            page.add_init_script(path=WATCH)
        page.goto(seat.path)
        ready(page)
        yield page
        browser.close()


def paint(page: Page, count: int) -> list[Painted]:
    """Answer `count` items, each as soon as possible."""
    frames = [page.evaluate("deskWatch.idle()") for _ in range(20)]
    for _ in range(count):
        judge(page)
    typical = sorted(frames)[len(frames) // 2]
    painted = page.evaluate("deskWatch.paintings")
    return [Painted(one["waited"] / 1000, one["server"] / 1000, typical / 1000) for one in painted[-count:]]


def judge(page: Page, key: str = "a") -> None:
    """Answer the item on the desk, and wait until the next one can be answered."""
    before = page.evaluate("document.getElementById('desk').dataset.claim")
    page.keyboard.press(key)
    # No element handle and no separate selector per item: Playwright keeps both in the page's memory.
    page.wait_for_function(_ANOTHER, arg=before)


def ready(page: Page) -> None:
    """Wait until the item can be answered."""
    page.locator("#desk[data-ready]").wait_for()


def memory(page: Page) -> Memory:
    """Collect the tab's garbage and count what is left."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    counted = session.send("Memory.getDOMCounters")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return Memory(int(used), counted["nodes"], counted["jsEventListeners"])


def burst(page: Page, items: int, *, per_second: float = 10, seed: int = 1) -> int:
    """Press answer keys at a fixed rate, whatever is on the desk, until `items` verdicts were sent.

    Returns the number of presses.
    """
    draws, began, presses = random.Random(seed), time.monotonic(), 0
    while presses % per_second or page.evaluate("deskWatch.sent.length") < items:
        time.sleep(max(0.0, began + presses / per_second - time.monotonic()))
        page.keyboard.press(draws.choice(ANSWER_KEYS))
        presses += 1
    return presses


def sent(page: Page) -> list[Sent]:
    """The verdicts the page has sent since it was opened, whether or not they arrived."""
    found: Sequence[dict[str, Any]] = page.evaluate("deskWatch.sent")
    return [Sent(**one) for one in found]
