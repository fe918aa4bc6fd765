"""Forms: names and values, groups, and values over the limits."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue import content
from reviewqueue.content.fields import MAX_FIELDS, MAX_GROUP_LEVELS, ContentField
from reviewqueue.content.values import DisplayValue, build_display_value
from tests.helpers import content_samples
from tests.helpers.content_rendering import extract_visible_text, render_blocks


def _fields(value: Any) -> list[ContentField]:
    (block,) = content.build_blocks({"fields": value})
    assert block.kind == "fields"
    fields: list[ContentField] = block.data
    return fields


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (None, DisplayValue("empty", "—")),
        ("", DisplayValue("empty", "empty")),
        ([], DisplayValue("empty", "empty")),
        ("  ", DisplayValue("empty", "only whitespace")),
        (12.5, DisplayValue("number", "12.5")),
        (0, DisplayValue("number", "0")),
        (True, DisplayValue("text", "yes")),
        ("Ada", DisplayValue("text", "Ada")),
        (["a", "b"], DisplayValue("text", "a, b")),
    ],
)
def test_a_value_is_shown_by_its_type(raw: Any, value: DisplayValue) -> None:
    assert build_display_value(raw, longest=20) == value


@pytest.mark.parametrize("text", ["word " * 100, "x" * 500, "a\nb\n" * 30])
def test_a_long_value_shows_a_preview_and_contains_all_of_it(text: str) -> None:
    value = build_display_value(text, longest=60)
    assert (value.kind, value.text) == ("long", text)
    assert len(value.preview) <= 62
    assert value.preview.endswith(" …")


def test_nested_objects_are_groups_and_rows_a_table() -> None:
    fields = {field.name: field for field in _fields(content_samples.build_samples()["fields"].item["input"]["fields"])}
    assert [inner.name for inner in fields["insured"].group] == ["name", "since", "address"]
    block = fields["earlier claims"].block
    assert block is not None
    assert block.kind == "table"


def test_everything_a_form_holds_is_on_the_page() -> None:
    deep: dict[str, Any] = {"bottom": "found"}
    for level in range(MAX_GROUP_LEVELS + 3):
        deep = {f"level {level}": deep}
    form = {"a": deep, "b": [[1, "two"], {"three": 3}], **{f"name {n}": n for n in range(MAX_FIELDS + 5)}}
    said = extract_visible_text(render_blocks({"fields": form}))
    assert all(piece in said for piece in ("found", "two", "three", f"name {MAX_FIELDS + 4}"))


def test_markup_in_names_and_values_is_text() -> None:
    evil = "<img src=x onerror=alert(1)>"
    html = render_blocks({"fields": {evil: evil, "group": {evil: [evil]}, "long": evil * 40, "rows": [{evil: evil}]}})
    assert "<img" not in html
    assert evil in extract_visible_text(html)
