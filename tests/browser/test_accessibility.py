"""What keeps people out of a page: axe finds nothing on any page, in either scheme, by the rules of WCAG 2.2 AA."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from reviewqueue.models import User
from tests import test_matrix
from tests.browser.signing_in import SignIn
from tests.test_matrix import world  # noqa: F401 - a fixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SETTLED = "() => Promise.all(document.getAnimations().map((animation) => animation.finished))"
# What answers a GET with something that is no page of ours: figures, a fragment, and a library's own page.
NO_PAGES = {"healthz", "readyz", "metrics", "schema", "api-docs", "desk-queues"}


def complaints(page: Page) -> list[str]:
    """What axe finds on the page as it is now, in both schemes: the rule, and where."""
    found = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.evaluate(SETTLED)
        results = Axe().run(page, options=RULES)
        for violation in results.response["violations"]:
            places = [" ".join(map(str, node["target"])) + ": " + node["html"][:160] for node in violation["nodes"][:3]]
            found.append(f"{scheme} {violation['id']}: {violation['help']} at {places}")
    return found


def _pages() -> list[tuple[str, str]]:
    """Each page with somebody who may see it."""
    pages = []
    for method, name, *answers in test_matrix._lines(test_matrix.PAGES):
        if method == "GET" and "200" in answers and name not in NO_PAGES:
            pages.append((name, test_matrix.PEOPLE[answers.index("200")]))
    return pages


@pytest.mark.parametrize(("name", "who"), _pages())
def test_no_page_keeps_anybody_out(sign_in: SignIn, world: dict[str, Any], name: str, who: str) -> None:  # noqa: F811
    address = test_matrix._url(name, world)
    user = None if who == "nobody" else User.objects.get(username=who)
    page = sign_in(user, address)
    assert complaints(page) == []
