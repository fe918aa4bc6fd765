"""Observe and interrupt the network between a page and the server."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, Route

from tests.helpers.processes import wait_until

_IGNORED_RESOURCE_TYPES = {"stylesheet", "script", "font", "image"}
_PROBE_PATH = "/is-it-diverted"


def listen_to_responses(page: Page, hear: Callable[[str, str], None]) -> None:
    """Call `hear(url, body)` with each document and fragment from now on, before the page gets it."""

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
    """Pass the requests to this address to `handle` from now on.

    A busy page may still send a request past it for a moment after Chromium reports that interception is active.
    """
    page.route(f"**{_PROBE_PATH}", lambda route: route.fulfill(body="yes"))
    page.route(address, lambda route: handle(route), times=times)  # noqa: PLW0108 - Playwright marks handlers
    wait_until(lambda: page.evaluate(f"() => fetch('{_PROBE_PATH}').then((answer) => answer.text())") == "yes")


def block_fetch(page: Page) -> None:
    """Block the page's drafts until it is loaded again, including those it sends while unloading, which routes miss."""
    page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('offline')); }")
