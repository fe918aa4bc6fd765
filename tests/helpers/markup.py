"""Parse a page's markup into elements, and check that all of them are the product's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

type HtmlElement = tuple[str, dict[str, str]]

_MARK_CLASSES = {"hidden-char", "confusable", "visually-hidden"}
_FORBIDDEN_TAGS = {"iframe", "object", "embed", "base", "style", "math", "video", "audio", "foreignobject"}


class _ElementParser(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[HtmlElement] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def list_elements(html: str) -> Iterator[HtmlElement]:
    """All elements except those that make hidden and look-alike characters visible."""
    for tag, attributes in _ElementParser(html).found:
        if tag != "span" or attributes.get("class") not in _MARK_CLASSES:
            yield tag, attributes


def assert_only_own_markup(html: str) -> None:
    """Assert that scripts, styles, URLs and event handlers are the product's own."""
    for tag, attributes in list_elements(html):
        assert tag not in _FORBIDDEN_TAGS
        assert not any(name.startswith("on") or name in {"style", "srcdoc", "hx-on", "hx-vals"} for name in attributes)
        for name in ("src", "href", "action", "formaction", "hx-get", "hx-post"):
            assert re.match(r"/|#|\?|data:image/|$", attributes.get(name, "")), (tag, name)
            assert not attributes.get(name, "").startswith("//")
        assert tag != "script" or attributes.get("src", "").startswith("/static/")
        assert tag != "meta" or "http-equiv" not in attributes
