"""Runs the tests in the Chromium of the machine; without one they fail with a message."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.servers.basehttp import WSGIRequestHandler
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from benchmarks import tab
from reviewqueue.models import User
from tests.helpers import access_matrix
from tests.helpers.sign_in import SignInFixture

# Playwright's synchronous API runs an event loop in this thread, which Django would take for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

# The test server sends headers and body apart, and Nagle's algorithm holds the second back for 40 ms, each time.
WSGIRequestHandler.disable_nagle_algorithm = True

# What is expected comes at once, unless the machine is busy with other tests.
expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = tab.launched(playwright)
        yield browser
        browser.close()


@pytest.fixture
def sign_in(chromium: Browser, live_server: LiveServer) -> Iterator[SignInFixture]:
    """Opens pages of people who are signed in; fails the test when a page logs an error or breaks its policy."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_as(user: User | None, path: str = "/", **options: Any) -> Page:
        options.setdefault("base_url", live_server.url)
        context = chromium.new_context(**options)
        contexts.append(context)
        if user is not None:
            context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": _session(user), "url": options["base_url"]}]
            )
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if "Security Policy" in line.text else None)
        page.goto(path)
        return page

    yield open_as
    for context in contexts:
        context.close()
    _wait_for_last_requests()
    assert complaints == []


@pytest.fixture
def world(transactional_db: None) -> dict[str, Any]:
    """Something behind every address: the values that the routes' parameters take."""
    return access_matrix.build_world()


def _wait_for_last_requests() -> None:
    """A page that is closed still saves what was typed; the database must not go before that is done."""
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(10)


def _session(user: User) -> str:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client.cookies[settings.SESSION_COOKIE_NAME].value
