"""Numbers are shown with the digits that were sent, whatever shows them."""

from __future__ import annotations

import html
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reviewqueue.kernel.sent_json import encode_sent, parse_sent
from tests.helpers.content_rendering import extract_visible_text, render_blocks

ARGUMENTS = '{"amount": 12345678901234567.89, "rate": 1.10, "limit": 1e400, "id": 1E5, "none": -0}'
_LITERALS = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
_SHAPES = st.sampled_from(
    (
        "%s",
        '{"free": %s}',
        '{"free": {"deep": [[%s]]}}',
        '{"table": [{"n": %s, "m": 1.25}, {"n": 22, "m": 2}]}',
        '{"table": {"columns": ["n"], "rows": [[%s], [22]]}}',
        '{"fields": {"n": %s, "list": [1, 2.50], "group": {"m": [{"k": 1}, 7.0]}}}',
        '{"candidates": [%s, {"answer": 1.0}, {"id": 7, "text": "x"}]}',
        '{"messages": [{"role": "user", "content": %s, "at": 1.50}]}',
        '{"messages": [{"role": "user", "content": [{"type": "tool_use", "name": "f", "input": {"n": %s}}]}]}',
        '{"text": "abc", "spans": [{"start": 0, "end": 1, "score": %s}]}',
    )
)


def test_tool_arguments_are_shown_with_the_digits_that_were_sent() -> None:
    for arguments in (json.dumps(ARGUMENTS), ARGUMENTS):
        sent = f'{{"messages": [{{"role": "assistant", "tool_calls": [{{"name": "f", "args": {arguments}}}]}}]}}'
        shown = extract_visible_text(render_blocks(parse_sent(sent)))
        for digits in ('"amount": 12345678901234567.89', '"rate": 1.10', "1e400", '"id": 1E5', '"none": -0'):
            assert digits in shown


def test_whole_numbers_in_a_table_get_no_decimals() -> None:
    assert "22.0" not in render_blocks(parse_sent('{"rows": [{"n": 22}, {"n": 0.12345}, {"n": 1.10}]}'))


@settings(max_examples=2 * settings().max_examples)
@given(_SHAPES, _LITERALS)
def test_the_literal_of_any_number_is_on_the_page(shape: str, literal: str) -> None:
    sent = shape % literal
    shown = html.unescape(render_blocks(parse_sent(sent)))
    assert literal in shown


@settings(max_examples=2 * settings().max_examples)
@given(st.lists(_LITERALS, max_size=5))
def test_numbers_are_written_as_they_were_read(literals: list[str]) -> None:
    sent = f"[{','.join(literals)}]"
    read: Any = parse_sent(sent)
    assert encode_sent(read) == sent
    assert read == json.loads(sent)
