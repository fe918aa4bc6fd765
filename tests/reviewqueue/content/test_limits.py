"""Limits on what a page shows of an input: the rest is counted and kept as text."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue import content
from reviewqueue.content import candidates, image, invisible, limits, messages, spans, table, text
from reviewqueue.content.plain import MAX_FACTS
from reviewqueue.templatetags.untrusted import visible
from tests.helpers.content_rendering import extract_visible_text, render_blocks

PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
TAGS = 10 * limits.MAX_PIECES_PER_ITEM  # a piece is drawn by a few elements
_FORM = {f"group {n}": {f"name {m}": m for m in range(100)} for n in range(200)}


@pytest.mark.parametrize(
    ("value", "last"),
    [
        ({"candidates": [f"answer {n}" for n in range(20_000)]}, "answer 19999"),
        ({"candidates": [{"id": n, "fields": {f"f{m}": m for m in range(200)}} for n in range(100)]}, "f199"),
        ({"fields": _FORM}, "name 99"),
        ({"images": [PIXEL] * 5_000}, PIXEL),
        (
            {"messages": [{"role": "user", "content": f"line {n}", "judged": n == 1} for n in range(20_000)]},
            "line 19999",
        ),
        ({"messages": [{"role": "user", "content": [f"part {n}" for n in range(40_000)]}]}, "part 39999"),
        ({"messages": [{"role": "user", "content": [f"part {n}" for n in range(150)]}] * 200}, "part 149"),
        ({"messages": [{"role": "ai", "tool_calls": [{"name": f"call {n}"} for n in range(20_000)]}]}, "call 19999"),
        ({"text": "words", "spans": [{"start": 0, "end": 5}, *({"start": n} for n in range(9, 20_000))]}, "19999"),
        ({"text": "\n\n".join(f"part {n}" for n in range(40_000))}, "part 39999"),
        ({"text": "a\u200b" * 100_000 + "end"}, "end"),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_rendering_is_limited_and_nothing_is_lost(value: Any, last: str) -> None:
    html = render_blocks(value)
    assert html.count("<") < TAGS
    assert last in extract_visible_text(html)


def test_the_number_of_hidden_candidates_is_shown() -> None:
    said = extract_visible_text(render_blocks({"candidates": ["yes"] * (candidates.MAX_CANDIDATES + 7)}))
    assert "7 more candidates, as data" in said
    assert "3 more images are not shown." in extract_visible_text(
        render_blocks({"images": [PIXEL] * (image.MAX_IMAGES + 3)})
    )
    chat = [{"role": "user", "content": "x", "judged": n == 0} for n in range(messages.MAX_UNFOLDED_MESSAGES + 5)]
    assert "5 later messages, as data" in extract_visible_text(render_blocks({"messages": chat}))
    wrong = [{"start": -1}] * (spans.MAX_LISTED_MARKS + 4)
    assert "4 more, as data" in extract_visible_text(
        render_blocks({"text": "words", "spans": [{"start": 0, "end": 2}, *wrong]})
    )


def test_the_parts_of_an_item_share_one_budget() -> None:
    tables = {name: [{"a": n, "b": n} for n in range(1_000)] for name in ("table", "rows", "records", "line_items")}
    assert render_blocks(tables).count("<td") <= limits.MAX_PIECES_PER_ITEM
    assert render_blocks({"table": tables["table"]}).count("<td") == table.MAX_CELLS


def test_each_item_has_its_own_piece_budget() -> None:
    first, second = (content.build_blocks({"fields": _FORM}) for _ in range(2))
    assert first == second


def test_hidden_characters_over_the_limit_are_counted() -> None:
    html = visible("a\u200b" * 5_000)
    assert html.count("<span") == 2_001
    assert "3,000 more hidden characters" in html
    assert html.endswith("a\ufffd" * 3_000)
    assert "\u200b" not in html


def test_look_alike_words_over_the_limit_are_plain_text() -> None:
    pieces = list(invisible.split_into_pieces("p\u0430ypal " * 3_000))
    assert sum(piece.lookalike for piece in pieces) == 2_000
    assert pieces[-1].text.split() == ["p\u0430ypal"] * 1_000


def test_paragraphs_over_the_limit_are_joined() -> None:
    found = text.split_paragraphs("x\n\n" * 10_000 + "end")
    assert (len(found), found[-1].endswith("end")) == (text.MAX_PARAGRAPHS, True)


def test_a_very_long_context_is_listed_up_to_a_limit() -> None:
    facts = content.list_facts({f"key {n}": n for n in range(MAX_FACTS + 50)})
    assert len(facts) == MAX_FACTS + 1
    assert facts[-1][0] == "50 more"
    assert f"key {MAX_FACTS + 49}" in facts[-1][1]


def test_table_columns_are_examined_once() -> None:
    looks: list[str] = []

    class Name(str):
        __slots__ = ()

        def __hash__(self) -> int:
            looks.append(self)
            return super().__hash__()

    def looked(rows: int) -> int:
        looks.clear()
        assert table.parse_table({"columns": [Name(n) for n in range(100)], "rows": [{}] * rows}) is not None
        return len(looks)

    assert looked(2_000) == looked(1_000)
