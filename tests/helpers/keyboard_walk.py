"""Walking through pages by keyboard alone: Tab stops in sight, and what a screen reader would say by itself."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

# Writes down what a screen reader would say by itself: each text that a live region gets.
LISTEN = """
window.said = [];
new MutationObserver((changes) => {
  const live = '[role=status], [role=alert], [aria-live]';
  const around = ({target}) => (target.closest ? target : target.parentElement)?.closest(live);
  for (const region of new Set(changes.map(around))) {
    if (region?.textContent.trim()) window.said.push(region.textContent.trim().replace(/\\s+/g, ' '));
  }
}).observe(document, {subtree: true, childList: true, characterData: true});
"""
FOCUS = """() => {
  const focused = document.activeElement, style = getComputedStyle(focused);
  return {
    tag: focused.tagName,
    seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1 && focused.checkVisibility(),
    what: focused.outerHTML.slice(0, 100),
  };
}"""


def tab_to(page: Page, target: Locator, *, most: int = 60) -> list[str]:
    """Press Tab until it has the focus, which is in sight at every stop. Returns the stops before it, as HTML."""
    stops: list[str] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        assert focus["seen"] or focus["tag"] == "BODY", focus["what"]
        if target.evaluate("element => element === document.activeElement"):
            return stops
        stops.append(focus["what"])
    raise AssertionError(f"Tab does not reach {target}")


def expect_item(page: Page, text: str) -> None:
    """The item is on the desk, and the focus is somewhere on the page."""
    expect_first_item(page, text)
    assert page.evaluate("document.activeElement !== document.body"), "the focus was lost"


def expect_first_item(page: Page, text: str) -> None:
    """A page that was just loaded has its focus nowhere yet, as any page."""
    expect(page.locator("#desk[data-ready]").get_by_role("region", name="Content")).to_contain_text(text)


def take_said(page: Page) -> list[str]:
    """What live regions have said since the last time."""
    said: list[str] = page.evaluate("window.said.splice(0)")
    return said


def expect_said_once(page: Page, text: str) -> None:
    """It was said, and nothing else but how many answers are ticked."""
    expect(page.locator("#announcement")).to_contain_text(text)
    said = take_said(page)
    assert len(said) == 1, said
    assert text in said[0]
