"""Lists as lines and as texts: every value survives, and a hostile line takes no time."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.forms import line_syntax, text_values
from escalation.forms.text_values import InvalidText

# Whatever PostgreSQL can store, and often what the syntax itself is made of.
SYNTAX = [*' \n\r\t\u2028\x85\x0b\xa0\u200b:,=<≤→"\\#%é', "a", "B", "and", "in", "->", ">=", "segment.", "1.5"]
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12) | st.lists(
    st.sampled_from(SYNTAX), max_size=6
).map("".join)
SHARES = st.floats(0, 1).map(abs)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15).map(float)


@given(
    entries=st.lists(TEXTS, max_size=4),
    pairs=st.dictionaries(TEXTS, TEXTS, max_size=4),
    texts=st.lists(TEXTS, min_size=1, max_size=4),
    share=SHARES,
    number=NUMBERS,
)
def test_every_formatted_value_parses_back_to_itself(
    entries: Any, pairs: Any, texts: Any, share: float, number: float
) -> None:
    assert line_syntax.parse_entries(line_syntax.format_entries(entries)) == entries
    assert line_syntax.parse_pairs(line_syntax.format_pairs(pairs)) == pairs
    assert text_values.parse_list(text_values.format_list(texts)) == texts
    assert text_values.parse_percent(text_values.format_percent(share)) == share
    assert text_values.parse_number(text_values.format_number(number)) == number


@given(st.sampled_from([line_syntax.parse_entries, line_syntax.parse_pairs, text_values.parse_list]), TEXTS)
def test_any_text_is_parsed_or_refused(parse: Any, text: str) -> None:
    with contextlib.suppress(InvalidText):
        parse(text)


def test_long_hostile_lines_are_read_in_a_moment() -> None:
    parts = ["a = b, ", "a=", '"', '\\"', "a and ", "in ", " ", "x -> ", ": ", '"a" ', ",,", "<=", "a\u00a0"]
    parsers: list[Any] = [line_syntax.parse_entries, line_syntax.parse_pairs, text_values.parse_list]
    began = time.process_time()
    for part in parts:
        for line in (part * 2_000, f"x{part * 2_000}", f"{part * 2_000}: nothing"):
            for parse in parsers:
                with contextlib.suppress(InvalidText):
                    parse(line)
    # 120 lines of up to 14,000 characters; a pattern that was here once took 12 s for 63 characters.
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("parse", "text", "error"),
    [
        (line_syntax.parse_pairs, "rows: table\nrows: fields", "Line 2: “rows” is listed twice."),
        (line_syntax.parse_pairs, 'rows: "a', "Line 1: A quotation mark has no counterpart."),
        (line_syntax.parse_pairs, ": table", "Line 1: A text is missing."),
        (line_syntax.parse_pairs, "rows", "Line 1: write “part: display”"),
        (
            line_syntax.parse_pairs,
            r'"a\u0000": table',
            r'Line 1: "a\u0000" contains a character that cannot be stored.',
        ),
        (line_syntax.parse_entries, 'a\n"\\ud800"', "Line 2: "),
        (text_values.parse_list, "a, ", "A text is missing."),
        (text_values.parse_number, "nan", "“nan” is not a number."),
        (text_values.parse_percent, "101", "“101” is not between 0 and 100 %."),
    ],
)
def test_a_value_that_would_be_lost_is_refused(parse: Any, text: str, error: str) -> None:
    with pytest.raises(InvalidText) as refused:
        parse(text)
    assert str(refused.value).startswith(error)
