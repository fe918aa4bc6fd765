"""Tables: common columns, aligned numbers, and limits that lose nothing."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue import content
from reviewqueue.content.table import MAX_COLUMNS, Table
from tests.helpers import content_samples
from tests.helpers.content_rendering import extract_visible_text, render_blocks


def _table(value: Any) -> Table:
    (block,) = content.build_blocks({"table": value})
    assert block.kind == "table"
    table: Table = block.data
    return table


def _texts(table: Table) -> list[list[str]]:
    return [[cell.value.text for cell in row] for row in table.rows]


def test_mappings_with_keys_in_common_are_rows() -> None:
    table = _table([{"a": 1, "b": "x"}, {"b": "y", "c": None}])
    assert [column.name for column in table.columns] == ["a", "b", "c"]
    assert _texts(table) == [["1", "x", ""], ["", "y", "—"]]
    assert not table.whole


def test_columns_and_rows_can_be_given_separately() -> None:
    table = _table(
        {"columns": ["a", {"name": "b", "title": "Bee"}], "rows": [[1], {"b": 2}], "title": "T", "unit": "kg"}
    )
    assert [column.name for column in table.columns] == ["a", "Bee"]
    assert _texts(table) == [["1", ""], ["", "2"]]
    assert table.caption == "T"
    assert table.rest is not None
    assert [(token.name, token.text) for token in table.rest.data.tokens] == [("unit", '"kg"')]


@pytest.mark.parametrize(
    "value",
    [
        [{"a": 1}, 2],
        [{"a": 1}, {"b": 2}, {"c": 3}],
        [{}],
        [],
        {"columns": ["a"], "rows": [[1, 2]]},
        {"columns": ["a"], "rows": [{"b": 1}]},
        {"columns": [{"name": []}], "rows": [{"b": 1}]},
        {"columns": [], "rows": []},
        "text",
        7,
    ],
)
def test_values_that_are_not_tables_are_data(value: Any) -> None:
    assert [block.kind for block in content.build_blocks({"table": value})] == ["json"]


def test_numbers_are_right_aligned_with_aligned_decimals() -> None:
    table = _table(
        [{"n": 71.9, "t": "20 %", "id": "A1"}, {"n": 145, "t": "1,204.50", "id": 7}, {"n": None, "t": "", "id": 8}]
    )
    assert [column.number for column in table.columns] == [True, True, False]
    assert [(row[0].value.text, row[0].padding) for row in table.rows] == [("71.9", ""), ("145", ".0"), ("—", "")]
    assert "145.0" not in render_blocks({"table": [{"n": 71.9}, {"n": 145}]})


def test_a_large_table_shows_its_beginning_and_holds_the_rest_as_data() -> None:
    rows = [{f"column {c}": f"{r}/{c}" for c in range(50)} for r in range(1000)]
    table = _table(rows)
    assert (len(table.rows), table.total, table.width) == (40, 1000, 50)
    html = render_blocks({"table": rows})
    assert "The first 40 of 1,000 rows" in html
    assert "999/49" in extract_visible_text(html)
    assert html.count("<td") == 2000


def test_a_very_wide_table_is_cut_and_kept_as_data() -> None:
    html = render_blocks({"rows": [{f"c{n}": n for n in range(500)}]})
    assert html.count("<th") == MAX_COLUMNS + 1  # and the head
    assert "c499" in extract_visible_text(html)


def test_a_long_cell_opens() -> None:
    html = render_blocks({"rows": content_samples.build_samples()["table"].item["input"]["rows"]})
    assert html.count("<details") == 1
    assert "old part taken along for recycling" in extract_visible_text(html)


def test_a_stream_can_show_any_part_as_a_table() -> None:
    (block,) = content.build_blocks({"basket": [{"a": 1}, {"a": 2}]}, {"basket": "table"})
    assert (block.kind, block.key) == ("table", "basket")


def test_scrollable_regions_are_focusable_and_named() -> None:
    html = render_blocks({"table": {"columns": ["a"], "rows": [[1]], "title": "Prices"}})
    assert '<div class="table-region" role="region" tabindex="0" aria-label="Prices">' in html
    assert '<th scope="col"' in html


def test_markup_in_heads_and_cells_is_text() -> None:
    evil = '"><script>alert(1)</script>'
    html = render_blocks({"table": {"columns": [evil, "b"], "rows": [[evil, evil * 20]], "caption": evil}})
    assert "<script" not in html
    assert 'aria-label="&quot;&gt;' in html
