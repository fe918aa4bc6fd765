"""Lists as lines: every value survives its line, and a hostile line takes no time."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.forms import line_syntax
from escalation.forms.line_syntax import LineSyntaxError

# Whatever PostgreSQL can store, and often what the syntax itself is made of.
SYNTAX = [*' \n\r\t\u2028\x85\x0b\xa0\u200b:,=<≤→"\\#%é', "a", "B", "and", "in", "->", ">=", "segment.", "1.5"]
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12) | st.lists(
    st.sampled_from(SYNTAX), max_size=6
).map("".join)
SHARES = st.floats(0, 1).map(abs)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15).map(float)


def _conditions() -> st.SearchStrategy[dict[str, dict[str, Any]]]:
    numeric = st.dictionaries(st.sampled_from(["lt", "lte", "gt", "gte", "eq"]), NUMBERS, min_size=1, max_size=3)
    listed = st.lists(NUMBERS, min_size=1, max_size=3).map(lambda values: {"in": values})
    textual = TEXTS.map(lambda text: {"eq": text}) | st.lists(TEXTS, min_size=1, max_size=3).map(
        lambda texts: {"in": texts}
    )
    subjects = st.just("prediction") | TEXTS.map(lambda key: f"segment.{key}")
    return st.dictionaries(st.sampled_from(["value", "confidence"]), numeric | listed, max_size=2).flatmap(
        lambda numbers: st.dictionaries(subjects, textual, min_size=0 if numbers else 1, max_size=3).map(
            lambda texts: numbers | texts
        )
    )


@given(
    thresholds=st.dictionaries(TEXTS, SHARES, max_size=4),
    segments=st.lists(
        st.fixed_dictionaries({"when": st.dictionaries(TEXTS, TEXTS, max_size=3), "threshold": SHARES}), max_size=3
    ),
    rules=st.lists(st.fixed_dictionaries({"name": TEXTS, "when": _conditions()}), max_size=3),
    entries=st.lists(TEXTS, max_size=4),
    pairs=st.dictionaries(TEXTS, TEXTS, max_size=4),
    matrix=st.dictionaries(TEXTS, st.dictionaries(TEXTS, NUMBERS, min_size=1, max_size=3), max_size=3),
)
def test_whatever_is_formatted_parses_back_to_the_same_values(
    thresholds: Any, segments: Any, rules: Any, entries: Any, pairs: Any, matrix: Any
) -> None:
    assert line_syntax.parse_thresholds(line_syntax.format_thresholds(thresholds)) == thresholds
    assert line_syntax.parse_segments(line_syntax.format_segments(segments)) == segments
    assert line_syntax.parse_rules(line_syntax.format_rules(rules)) == rules
    assert line_syntax.parse_entries(line_syntax.format_entries(entries)) == entries
    assert line_syntax.parse_pairs(line_syntax.format_pairs(pairs)) == pairs
    assert line_syntax.parse_cost_matrix(line_syntax.format_cost_matrix(matrix)) == matrix


@given(st.sampled_from([line_syntax.parse_thresholds, line_syntax.parse_segments, line_syntax.parse_rules]), TEXTS)
def test_any_text_is_parsed_or_refused_by_line(parse: Any, text: str) -> None:
    with contextlib.suppress(LineSyntaxError):
        parse(text)


def test_long_hostile_lines_are_read_in_a_moment() -> None:
    parts = ["a = b, ", "a=", '"', '\\"', "a and ", "in ", " ", "x -> ", ": ", '"a" ', ",,", "<=", "a\u00a0"]
    parsers: list[Any] = [
        line_syntax.parse_thresholds, line_syntax.parse_segments, line_syntax.parse_rules, line_syntax.parse_entries,
        line_syntax.parse_pairs, line_syntax.parse_cost_matrix,
    ]  # fmt: skip
    began = time.process_time()
    for part in parts:
        for line in (part * 2_000, f"x{part * 2_000}", f"{part * 2_000}: nothing", f"r: value > {part * 2_000}"):
            for parse in parsers:
                try:
                    parse(line)
                except LineSyntaxError:
                    continue
    # 300 lines of up to 14,000 characters; the pattern that was here took 12 s for 63 characters.
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    ("parse", "text", "error"),
    [
        (line_syntax.parse_thresholds, "refund: 90\nrefund: 80", "Line 2: “refund” is listed twice."),
        (line_syntax.parse_cost_matrix, "a -> b: 1\na → b: 2", "Line 2: “a → b” is listed twice."),
        (line_syntax.parse_segments, "k = 1, k = 2: 90", "Line 1: “k” is listed twice."),
        (line_syntax.parse_rules, "r: value > 1 and value > 2", "Line 1: “value >” is written twice."),
        (line_syntax.parse_rules, 'r: prediction = "a', "Line 1: A quotation mark has no counterpart."),
        (line_syntax.parse_rules, "r: segment.a b = 1", "Line 1: “segment.a b = 1” is not a valid condition"),
        (line_syntax.parse_thresholds, "refund: nan", "Line 1: “nan” is not a number."),
        (line_syntax.parse_thresholds, ": 90", "Line 1: A name is missing."),
        (
            line_syntax.parse_rules,
            r'"a\u0000": value > 1',
            r'Line 1: "a\u0000" contains a character that cannot be stored.',
        ),
        (
            line_syntax.parse_segments,
            r'"k" = "\ud800": 90',
            r'Line 1: "\ud800" contains a character that cannot be stored.',
        ),
        (line_syntax.parse_entries, 'a\n"\\ud800"', "Line 2: "),
    ],
)
def test_what_would_be_lost_is_refused(parse: Any, text: str, error: str) -> None:
    with pytest.raises(LineSyntaxError, match="Line") as refused:
        parse(text)
    assert str(refused.value).startswith(error)
