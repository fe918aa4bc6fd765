"""The type of the fixture `sign_in`."""

from __future__ import annotations

from typing import Any, Protocol

from playwright.sync_api import Page

from reviewqueue.models import User


class SignInFixture(Protocol):
    """Opens a page as this person, or as nobody, in a browser of their own; `options` are the browser context's."""

    def __call__(self, user: User | None, path: str = "/", **options: Any) -> Page: ...
