"""The blocks of an input."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue import content


def _kinds(value: Any) -> list[str]:
    return [block.kind for block in content.build_blocks(value)]


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        ("just text", ["text"]),
        ({"text": "a"}, ["text"]),
        ({"messages": [{"role": "user", "content": "hi"}], "text": "a"}, ["text", "messages"]),
        ({"fields": {"name": "Ada"}, "url": "https://example.com"}, ["fields", "url"]),
        ({"candidates": ["one", {"two": 2}]}, ["candidates"]),
        ({"text": "a", "more": [1]}, ["text", "json"]),
        ({"image": "https://example.com/a.png"}, ["json"]),
        ({"image": "data:image/svg+xml;base64,AAAA"}, ["image"]),
        ({"messages": [{"role": "user", "content": "hi", "tool": "x"}]}, ["messages"]),
        ([{"role": "user", "content": "hi"}], ["messages"]),
        ([{"name": "Ada", "value": "1"}, {"name": "Bob", "value": "2"}], ["table"]),
        ([{"name": "Ada", "deep": {"a": 1}}, {"name": "Bob", "deep": [2]}], ["json"]),
        ([{"name": "Ada"}], ["json"]),
        ([], ["json"]),
        ({"columns": ["a"], "rows": [[1]]}, ["table"]),
        ({"columns": ["a"], "rows": [[1]], "note": "x"}, ["json"]),
        ({"prompt": "Which?", "candidates": ["one", "two"], "more": 1}, ["prompt", "candidates"]),
        ({"messages": [{"role": "user"}]}, ["json"]),
        ({"text": 7}, ["json"]),
        ({}, ["json"]),
        ([1, 2], ["json"]),
        (None, ["json"]),
    ],
)
def test_an_inputs_shape_chooses_its_blocks_and_nothing_is_lost(value: Any, kinds: list[str]) -> None:
    assert _kinds(value) == kinds


def test_a_stream_can_choose_the_kind_of_a_part_or_of_the_whole() -> None:
    shown = content.build_blocks({"ticket": {"a": 1}, "text": "hi"}, {"ticket": "fields", "text": "json"})
    assert [(block.kind, block.key) for block in shown] == [("json", "text"), ("fields", "ticket")]
    assert [block.kind for block in content.build_blocks({"text": "hi"}, {"*": "json"})] == ["json"]


def test_a_display_kind_that_does_not_fit_the_value_is_ignored() -> None:
    assert [
        block.kind for block in content.build_blocks({"text": "hi", "rows": 3}, {"text": "image", "rows": "fields"})
    ] == [
        "text",
        "json",
    ]
