"""Text with marked spans; none of its data is lost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue import content
from reviewqueue.content import spans
from reviewqueue.content.plain import format_compact_json
from tests.helpers.content_rendering import collapse_whitespace, extract_visible_text, render_blocks

TEXT = "I was charged twice, send one back"


def _marked(*places: Any, text: str = TEXT) -> spans.MarkedText:
    (block,) = content.build_blocks({"text": text, "spans": list(places)})
    assert isinstance(block.data, spans.MarkedText)
    return block.data


def _text(data: spans.MarkedText) -> str:
    return "".join(token.text for token in data.tokens)


def test_a_span_is_marked_and_labelled() -> None:
    html = collapse_whitespace(
        render_blocks({"text": TEXT, "spans": [{"start": 6, "end": 19, "label": "issue", "note": "see the receipt"}]})
    )
    assert 'title="see the receipt">charged twice<bdi class="span-name">issue</bdi></mark>' in html
    assert re.search(r"<dt[^>]*>charged twice</dt>\s*<dd[^>]*>see the receipt</dd>", html)


def test_the_legend_counts_labels_in_the_order_of_the_text() -> None:
    data = _marked(
        {"start": 21, "end": 25, "label": "wish"}, {"start": 0, "end": 1}, {"start": 30, "end": 34, "label": "wish"}
    )
    assert [(label.number, label.name, label.count) for label in data.labels] == [(1, "", 1), (2, "wish", 2)]


def test_span_offsets_count_code_points() -> None:
    assert "<mark" in (html := render_blocks({"text": "😀😀 twice", "spans": [{"start": 3, "end": 8, "label": "x"}]}))
    assert ">twice<bdi" in html


def test_a_nested_span_is_marked_inside_the_outer_one() -> None:
    html = collapse_whitespace(
        render_blocks(
            {"text": TEXT, "spans": [{"start": 6, "end": 19, "label": "a"}, {"start": 14, "end": 19, "label": "b"}]}
        )
    )
    assert html.count("<mark") == html.count("</mark>") == 2
    assert re.search(r"charged <mark[^>]*>twice<bdi[^>]*>b</bdi></mark><bdi[^>]*>a</bdi></mark>", html)


@pytest.mark.parametrize(
    "place",
    [
        {"start": 15, "end": 25},  # crosses the one that is there
        {"start": 9, "end": 3},
        {"start": 3, "end": 3},
        {"start": -4, "end": 3},
        {"start": 0, "end": 999},
        {"start": 0.0, "end": 3},
        {"start": True, "end": 3},
        {"start": "0", "end": "3"},
        {"start": 10**400, "end": 10**401},
        {"start": 0},
        {"start": 0, "end": 3, "label": ["x"]},
        "0-3",
        None,
        [[[]]],
    ],
)
def test_spans_that_cannot_be_marked_are_listed_as_data(place: Any) -> None:
    data = _marked({"start": 6, "end": 19, "label": "issue"}, place)
    assert _text(data) == TEXT
    assert len(data.labels) == 1
    assert data.rest == [format_compact_json(place)]


@pytest.mark.parametrize("places", [["x"], [{"start": 5, "end": 1}], {"start": 1, "end": 2}, "x", 7, None])
def test_text_without_markable_spans_is_shown_with_the_rest_as_data(places: Any) -> None:
    assert [block.kind for block in content.build_blocks({"text": TEXT, "spans": places})] == ["text", "json"]


def test_text_without_spans_has_no_legend() -> None:
    html = render_blocks({"text": TEXT, "spans": []})
    assert "<mark" not in html
    assert "fieldset" not in html
    assert TEXT in extract_visible_text(html)


def test_extra_data_of_a_span_is_shown() -> None:
    assert _marked({"start": 0, "end": 1, "score": 0.5, "id": "Q7"}).notes == [("I", "score: 0.5 · id: Q7")]


def test_marks_over_the_limit_are_listed_as_data() -> None:
    data = _marked(*({"start": n, "end": n + 1} for n in range(spans.MAX_MARKS + 5)), text="x" * 9000)
    assert data.labels[0].count == spans.MAX_MARKS
    assert len(data.rest) == 5


@given(
    st.text(min_size=1),
    st.lists(st.fixed_dictionaries({"start": st.integers(-2, 30), "end": st.integers(-2, 30)}), max_size=30),
)
def test_the_text_is_complete_and_marks_are_balanced_for_any_spans(text: str, places: list[dict[str, int]]) -> None:
    data = spans.parse_spans({"text": text, "spans": places})
    if data is None:
        return
    assert _text(data) == text
    depth = 0
    for token in data.tokens:
        depth += bool(token.opens) - bool(token.closes)
        assert 0 <= depth <= spans.MAX_MARK_LEVELS
    assert depth == 0
