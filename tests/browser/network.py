"""The network between a page and the server: what comes over it, and cutting it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, Route

_OTHERS = {"stylesheet", "script", "font", "image"}


def listen(page: Page, hear: Callable[[str, str], None]) -> None:
    """From here on `hear(url, body)` is called with each document and fragment, before the page has it."""

    def pass_on(route: Route) -> None:
        if route.request.resource_type in _OTHERS:
            return route.continue_()
        response = route.fetch()
        hear(route.request.url, response.text())
        return route.fulfill(response=response)

    page.route("**/*", pass_on)


def cut_off(page: Page) -> None:
    """Until it is loaded again no draft of it arrives, not even what it sends while it goes, which no route holds."""
    page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('offline')); }")
