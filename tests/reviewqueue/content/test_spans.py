"""A text with places pointed out: nothing of it is ever lost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue import content
from reviewqueue.content import spans
from reviewqueue.content.plain import format_compact_json
from tests.helpers.content_rendering import extract_visible_text, render_blocks

TEXT = "I was charged twice, send one back"


def _marked(*places: Any, text: str = TEXT) -> spans.MarkedText:
    (block,) = content.build_blocks({"text": text, "spans": list(places)})
    assert isinstance(block.data, spans.MarkedText)
    return block.data


def _text(data: spans.MarkedText) -> str:
    return "".join(token.text for token in data.tokens)


def test_a_place_is_marked_with_its_label_in_words() -> None:
    html = render_blocks(
        {"text": TEXT, "spans": [{"start": 6, "end": 19, "label": "issue", "note": "see the receipt"}]}
    )
    assert 'title="see the receipt">charged twice<bdi class="span-name">issue</bdi></mark>' in html
    assert re.search(r"<dt[^>]*>charged twice</dt><dd[^>]*>see the receipt</dd>", html)


def test_the_legend_counts_labels_in_the_order_of_the_text() -> None:
    data = _marked(
        {"start": 21, "end": 25, "label": "wish"}, {"start": 0, "end": 1}, {"start": 30, "end": 34, "label": "wish"}
    )
    assert [(label.number, label.name, label.count) for label in data.labels] == [(1, "", 1), (2, "wish", 2)]


def test_places_count_characters_also_beyond_the_first_plane() -> None:
    assert "<mark" in (html := render_blocks({"text": "😀😀 twice", "spans": [{"start": 3, "end": 8, "label": "x"}]}))
    assert ">twice<bdi" in html


def test_one_place_within_another_is_drawn_within_it() -> None:
    html = render_blocks(
        {"text": TEXT, "spans": [{"start": 6, "end": 19, "label": "a"}, {"start": 14, "end": 19, "label": "b"}]}
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
def test_what_cannot_be_marked_is_listed_as_data(place: Any) -> None:
    data = _marked({"start": 6, "end": 19, "label": "issue"}, place)
    assert _text(data) == TEXT
    assert len(data.labels) == 1
    assert data.rest == [format_compact_json(place)]


@pytest.mark.parametrize("places", [["x"], [{"start": 5, "end": 1}], {"start": 1, "end": 2}, "x", 7, None])
def test_where_nothing_can_be_marked_the_text_stands_and_the_rest_is_data(places: Any) -> None:
    assert [block.kind for block in content.build_blocks({"text": TEXT, "spans": places})] == ["text", "json"]


def test_no_places_are_no_legend() -> None:
    html = render_blocks({"text": TEXT, "spans": []})
    assert "<mark" not in html
    assert "fieldset" not in html
    assert TEXT in extract_visible_text(html)


def test_more_is_known_about_a_place_than_its_label() -> None:
    assert _marked({"start": 0, "end": 1, "score": 0.5, "id": "Q7"}).notes == [("I", "score: 0.5 · id: Q7")]


def test_a_page_draws_so_many_marks_and_lists_the_others() -> None:
    data = _marked(*({"start": n, "end": n + 1} for n in range(spans.MAX_MARKS + 5)), text="x" * 9000)
    assert data.labels[0].count == spans.MAX_MARKS
    assert len(data.rest) == 5


@given(
    st.text(min_size=1),
    st.lists(st.fixed_dictionaries({"start": st.integers(-2, 30), "end": st.integers(-2, 30)}), max_size=30),
)
def test_the_text_is_whole_and_the_marks_are_closed_whatever_the_places(
    text: str, places: list[dict[str, int]]
) -> None:
    data = spans.parse_spans({"text": text, "spans": places})
    if data is None:
        return
    assert _text(data) == text
    depth = 0
    for token in data.tokens:
        depth += bool(token.opens) - bool(token.closes)
        assert 0 <= depth <= spans.MAX_MARK_LEVELS
    assert depth == 0
