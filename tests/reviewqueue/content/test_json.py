"""Data as a tree: complete, escaped, and within the limits of a page."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from reviewqueue import content
from reviewqueue.content import tree
from reviewqueue.content.plain import _serialize, format_compact_json, format_json
from tests.helpers.content_rendering import collapse_whitespace, extract_visible_text, render_blocks

DATA = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=8),
    lambda inner: some.lists(inner, max_size=5) | some.dictionaries(some.text(max_size=5), inner, max_size=5),
    max_leaves=40,
)


def _nested(levels: int, bottom: Any = "bottom") -> Any:
    value = bottom
    for level in range(levels):
        value = [value] if level % 2 else {"in": value}
    return value


def test_names_and_values_are_read_in_their_order() -> None:
    said = extract_visible_text(render_blocks({"total": 12.5, "paid": False, "to": None, "name": "Ada"}))
    assert said.split() == ["total", "12.5", "paid", "false", "to", "null", "name", '"Ada"']


def test_a_long_list_is_folded_and_shows_its_length() -> None:
    html = collapse_whitespace(render_blocks({"lines": list(range(120)), "few": [1, 2]}))
    assert '<details> <summary> <bdi class="tree-name">lines</bdi> <span class="tree-size">120 entries</span>' in html
    assert '<details open> <summary> <bdi class="tree-name">few</bdi> <span class="tree-size">2 entries</span>' in html


def test_the_first_levels_are_open() -> None:
    html = render_blocks(_nested(6))
    assert html.count("<details open>") == tree.OPEN_LEVELS
    assert html.count("<details>") == 5 - tree.OPEN_LEVELS


def test_strings_are_escaped_and_fully_visible() -> None:
    html = render_blocks({"a\nb": 'x\n\t"<b>'})
    assert "a\\nb" in html
    assert '"x\\n\\t\\"<b>"' in extract_visible_text(html)
    assert "<b>" not in html


def test_an_item_without_folds_has_nothing_to_fold() -> None:
    assert "data-folds" in render_blocks({"a": [1]})
    assert "data-folds" not in render_blocks({"a": 1})


@pytest.mark.parametrize("value", [{}, [], None, 7, True, 1.5, [[]], [{}]])
def test_a_single_value_is_shown(value: Any) -> None:
    assert extract_visible_text(render_blocks(value)).strip().endswith(json.dumps(value).strip("[]") or "[]")


@pytest.mark.parametrize("levels", [100, 5_000, 100_000])
def test_levels_over_the_limit_are_shown_as_text(levels: int) -> None:
    html = render_blocks(_nested(levels))
    assert html.count("<details") < tree.MAX_LEVELS
    assert html.count("<details") == html.count("</details>")
    assert "bottom" in html


@pytest.mark.parametrize("value", [_nested(100), _nested(100_000, {"a": [1, "é\n"], "b": {}})])
def test_deep_data_is_written_on_one_line(value: Any) -> None:
    assert format_compact_json(value) == format_json(value)
    assert format_compact_json([value])[1:-1] == format_compact_json(value)


@given(DATA)
def test_writing_without_recursion_is_the_same(value: Any) -> None:
    assert "".join(_serialize(value)) == json.dumps(value, ensure_ascii=False)


def test_a_huge_document_is_drawn_in_part_and_the_rest_is_text() -> None:
    value = {"first": [{"n": n, "s": "word " * 5} for n in range(20_000)], "last": "the end"}
    began = time.process_time()
    html = render_blocks(value)
    assert time.process_time() - began < 5
    assert html.count("<li>") <= tree.MAX_ENTRIES + tree.MAX_LEVELS
    assert "&quot;n&quot;: 19999" in html
    assert "the end" in html


@given(DATA)
def test_folds_are_balanced_and_no_value_is_lost(value: Any) -> None:
    data = tree.parse_tree(value)
    depth = 0
    for token in data.tokens:
        depth += bool(token.size) - token.closes
        assert depth >= 0
    assert depth == 0
    leaves = sum(1 for token in data.tokens if token.text)
    assert leaves == _leaves(value)


def _leaves(value: Any) -> int:
    if isinstance(value, dict | list) and value:
        return sum(_leaves(inner) for inner in (value.values() if isinstance(value, dict) else value))
    return 1


def test_values_of_no_other_kind_are_shown_as_a_tree() -> None:
    assert [type(block.data) for block in content.build_blocks({"text": 7})] == [tree.JsonTree]
