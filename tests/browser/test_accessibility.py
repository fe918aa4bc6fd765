"""axe finds no violation of WCAG 2.2 AA on any page, in light or dark; `test_widths` asks it about the desk."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from reviewqueue.models import User
from tests.helpers import access_matrix
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# The schemes are one page in other colours: the rules that look at these are asked again, the others once.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
SCHEMES: dict[Literal["light", "dark"], dict[str, Any]] = {"light": RULES, "dark": COLOURS}
SETTLED = "() => Promise.allSettled(document.getAnimations().map((animation) => animation.finished))"


def complaints(page: Page) -> list[str]:
    """What axe finds on the page as it is now, in both schemes: the rule, and where."""
    found = []
    for scheme, rules in SCHEMES.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.evaluate(SETTLED)
        results = Axe().run(page, options=rules)
        for violation in results.response["violations"]:
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
