"""Encoding structured answers as form fields and parsing them back."""

from __future__ import annotations

import pytest

from reviewqueue.desk.structured import codec
from reviewqueue.kernel import sent_json
from reviewqueue.kernel.errors import Invalid


def test_pointers_locate_values() -> None:
    posted = {"text/a~1b": "x", "number/address/zip": "12", "flag/address/known": "true", "date/on": "2026-11-23"}
    assert codec.parse_answer(posted) == {"a/b": "x", "address": {"zip": 12, "known": True}, "on": "2026-11-23"}


def test_lines_keep_their_order_and_empty_ones_are_dropped() -> None:
    posted = {
        "list/lines": "", "text/lines/2/what": "two", "text/lines/10/what": "ten", "text/lines/0/what": "nought",
        "text/lines/1/what": " ", "number.null/lines/1/amount": "", "list/tags": "", "text/tags/0": "office",
    }  # fmt: skip
    assert codec.parse_answer(posted) == {
        "lines": [{"what": "nought"}, {"what": "two"}, {"what": "ten"}],
        "tags": ["office"],
    }


def test_an_empty_field_means_what_its_name_says() -> None:
    posted = {
        "text/a": "",
        "text.empty/b": "",
        "number.null/c": " ",
        "list.empty/d": "",
        "list/e": "",
        "group.empty/f": "",
    }
    assert codec.parse_answer(posted) == {"b": "", "c": None, "d": [], "f": {}}
    assert codec.parse_answer({"group.null/g": "", "text/g/x": "1"}) == {"g": {"x": "1"}}
    assert codec.parse_answer({"text/g/x": "1", "group.null/g": ""}) == {"g": {"x": "1"}}


def test_line_ends_are_preserved() -> None:
    assert codec.parse_answer({"text/a": "one\r\ntwo"}) == {"a": "one\ntwo"}


@pytest.mark.parametrize(
    "value", [0, -3, 12.5, 1e22, 119.0, 10**30, "x", "a\nb", True, {"a": [1]}, [None], "2026-11-23"]
)
def test_a_value_survives_formatting_and_parsing(value: object) -> None:
    reader: codec.FieldType = "text" if isinstance(value, str) else "json"
    if isinstance(value, int | float) and not isinstance(value, bool):
        reader = "number"
    assert codec.parse_answer({f"{reader}/a": codec.format_value(reader, value)}) == {"a": value}


@pytest.mark.parametrize(
    "text", ["1_000", "\uff11", "0x10", "nan", "inf", "1e9999", "--1", "1,5", "9" * 310, "9" * 5000, "."]
)
def test_text_that_only_looks_like_a_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        codec.parse_answer({"number/lines/0/amount": text})
    assert refused.value.errors == [{"pointer": "/answer/lines/0/amount", "detail": "Enter a number."}]


@pytest.mark.parametrize("text", ["2026-02-30", "20261123", "23.11.2026", "2026-W48-1"])
def test_invalid_dates_are_refused(text: str) -> None:
    with pytest.raises(Invalid):
        codec.parse_answer({"date/on": text})


@pytest.mark.parametrize(
    "posted",
    [
        {"text/a": "x", "text/a/b": "y"},
        {"text/a/b": "y", "text/a": "x"},
        {"list/a": "", "text/a/b": "y"},
        {"list/a": "", "text/a/-1": "y"},
        {"list/a": "", "text/a/99999999999": "y"},
        {"text" + "/a" * 5000: "deep"},
        {"json/a": "{}", "text/a/b": "y"},
    ],
)
def test_a_form_with_unexpected_fields_is_refused(posted: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        codec.parse_answer(posted)


def test_list_entries_are_counted_from_field_names() -> None:
    names = ["list/lines", "text/lines/0/a", "number/lines/3/b", "text/other/9", "note", "text/linesmen/8"]
    assert codec.count_list_entries(names, "/lines") == 4
    assert codec.count_list_entries([], "/lines") == 0


@pytest.mark.parametrize("text", ["-0", "-0.0", "7", "1.10", "1E5", "12345678901234567.89", "9" * 40])
def test_a_number_written_as_json_keeps_every_character(text: str) -> None:
    assert sent_json.encode_sent(codec.parse_answer({"number/total": text})) == f'{{"total":{text}}}'
