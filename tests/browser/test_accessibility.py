"""axe finds no violation of WCAG 2.2 AA on any page, in light or dark; `test_widths` asks it about the desk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from reviewqueue.models import User
from tests.helpers import access_matrix
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# The schemes are one page in other colours: the rules that look at these run again, the others once.
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
# In a narrow window the page has the same elements in other places.
PLACES = {"type": "rule", "values": ["color-contrast", "target-size", "scrollable-region-focusable"]}
SCHEMES: dict[Literal["light", "dark"], Any] = {"light": RULES, "dark": COLOURS}
NARROW: dict[Literal["light", "dark"], Any] = {"light": PLACES}
# Without `resultTypes` it describes everything that passed, too, which takes most of the time.
RUN = "(rules) => axe.run({runOnly: rules, resultTypes: ['violations']}).then((results) => results.violations)"
SETTLED = "() => Promise.allSettled(document.getAnimations().map((animation) => animation.finished))"


def complaints(page: Page, schemes: Mapping[Literal["light", "dark"], Any] = SCHEMES) -> list[str]:
    """What axe finds on the page as it is now, by the rules for each scheme: the rule, and where."""
    found = []
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    for scheme, rules in schemes.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.evaluate(SETTLED)
        for violation in page.evaluate(RUN, rules):
            places = "; ".join(_place(node) for node in violation["nodes"][:3])
            found.append(f"{scheme} {violation['id']}: {violation['help']} at {places}")
    return found


def _place(node: dict[str, Any]) -> str:
    """Where, and what of it: for colours these two and their ratio."""
    why = [check["message"] for kind in ("any", "all", "none") for check in node[kind]]
    return f"{' '.join(map(str, node['target']))}: {node['html'][:160]} ({' '.join(why)})"


@pytest.mark.parametrize(("who", "names"), access_matrix.list_pages_by_person())
def test_every_page_is_accessible(sign_in: SignInFixture, world: dict[str, Any], who: str, names: list[str]) -> None:
    page = sign_in(None if who == "nobody" else User.objects.get(username=who))
    found = {}
    for name in names:
        answer = page.goto(access_matrix.build_url(name, world))
        assert answer is not None
        assert answer.status == 200, name
        found[name] = complaints(page)
    assert {name: lines for name, lines in found.items() if lines} == {}
