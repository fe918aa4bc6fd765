"""Plain text on the desk: paragraphs, directions, languages."""

from __future__ import annotations

import pytest

from reviewqueue.content import language
from tests.helpers.content_rendering import extract_visible_text, render_blocks


def test_every_paragraph_has_its_own_direction() -> None:
    html = render_blocks("Hello there\n\nשלום\r\n \r\nمرحبا")  # noqa: RUF001 - other scripts
    assert html.count('<p dir="auto">') == 3
    assert '<p dir="auto">שלום</p>' in html


def test_line_breaks_and_extra_empty_lines_are_kept() -> None:
    assert extract_visible_text(render_blocks("one\ntwo\n\n\n\nthree")) == "one\ntwo\n\n\nthree\n\n"


def test_a_long_text_gets_the_reading_layout() -> None:
    assert "content-long" in render_blocks("word " * 500)
    assert "content-long" not in render_blocks("word " * 300)


@pytest.mark.parametrize("tag", ["en", "de-CH", "zh-Hant-TW", "sr-Latn", "es-419", "sl-rozaj-biske", "en-a-bbb-x-a"])
def test_a_valid_language_tag_is_kept(tag: str) -> None:
    assert language.parse_language_tag(tag) == tag
    assert f'lang="{tag}"' in render_blocks("text", tag)


@pytest.mark.parametrize(
    "tag", ["", "e", "english", "en_US", "en-", "en\n", 'en" onclick="x', "und", "MUL-x-a", "en--US", "12", None, 7]
)
def test_invalid_language_tags_are_dropped(tag: object) -> None:
    assert language.parse_language_tag(tag) == ""


def test_a_page_without_a_known_language_sets_no_lang() -> None:
    assert "lang=" not in render_blocks("text")
