"""The network between a page and the server: what comes over it, and cutting it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, Route

from tests.helpers.processes import wait_until

_IGNORED_RESOURCE_TYPES = {"stylesheet", "script", "font", "image"}
_PROBE_PATH = "/is-it-diverted"


def listen_to_responses(page: Page, hear: Callable[[str, str], None]) -> None:
    """From here on `hear(url, body)` is called with each document and fragment, before the page has it."""

    def pass_on(route: Route) -> None:
        if route.request.resource_type in _IGNORED_RESOURCE_TYPES:
            return route.continue_()
        response = route.fetch()
        hear(route.request.url, response.text())
        return route.fulfill(response=response)

    page.route("**/*", pass_on)


def intercept_requests(
    page: Page, address: str, handle: Callable[[Route], object], *, times: int | None = None
) -> None:
    """From here on `handle` has the requests to this address.

    A page that is busy may send one past Chromium for a moment after that has said that it listens.
    """
    page.route(f"**{_PROBE_PATH}", lambda route: route.fulfill(body="yes"))
    page.route(address, lambda route: handle(route), times=times)  # noqa: PLW0108 - Playwright marks handlers
    wait_until(lambda: page.evaluate(f"() => fetch('{_PROBE_PATH}').then((answer) => answer.text())") == "yes")


def block_fetch(page: Page) -> None:
    """Until it is loaded again no draft of it arrives, not even what it sends while it goes, which no route holds."""
    page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('offline')); }")
