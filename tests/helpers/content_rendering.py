"""Render an input as the page shows it, and extract the text a person reads."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from django.template.loader import render_to_string

from reviewqueue import content


def render_blocks(value: Any, language: str = "", **options: Any) -> str:
    """The HTML of an input's blocks."""
    blocks = content.build_blocks(value, **options)
    return "".join(render_to_string(block.template, {"block": block, "language": language}) for block in blocks)


def collapse_whitespace(html: str) -> str:
    """The HTML with single spaces instead of its template's line breaks, and none before the end of a tag."""
    return re.sub(r"\s+", " ", html).replace(" >", ">")


def extract_visible_text(html: str) -> str:
    """The visible text of markup, without text for screen readers only."""
    reader = _VisibleTextParser()
    reader.feed(html)
    reader.close()
    return "".join(reader.visible_texts)


class _VisibleTextParser(HTMLParser):
    VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})

    def __init__(self) -> None:
        super().__init__()
        self.visible_texts: list[str] = []
        self._open: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self._open.append("visually-hidden" in (dict(attrs).get("class") or "").split())

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._open):
            self.visible_texts.append(data)
