"""Splits an item's input into blocks. Each kind of block has a parser here and a template.

Known keys and the shape of a value choose its kind; a stream can choose another one (`display`). A value that its
kind's parser does not accept is shown as JSON: nothing is ever left out, and nothing that a producer sends can break
the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reviewqueue.content import candidates, diff, extent, fields, image, limits, messages, spans, table, text, tree
from reviewqueue.content.block import Block, build_data_block
from reviewqueue.content.plain import format_json, format_plain, list_facts

__all__ = ["BLOCK_KINDS", "WHOLE_INPUT", "Block", "build_blocks", "extent", "format_json", "format_plain", "list_facts"]

WHOLE_INPUT = "*"  # as a key of `display`: the whole input as one block

# Each parses a value into the data of its template `reviewqueue/content/<kind>.html`; None if it is another kind.
_PARSERS: dict[str, Callable[[Any], Any]] = {
    "image": image.parse_images,
    "text": text.parse_text,
    "spans": spans.parse_spans,
    "messages": messages.parse_messages,
    "fields": fields.parse_fields,
    "table": table.parse_table,
    "candidates": lambda value: candidates.parse_candidates(value, draw=_candidate_blocks),
    "url": text.parse_text,
    "diff": diff.parse_diff,
    "json": tree.parse_tree,
}
BLOCK_KINDS = frozenset(_PARSERS)
# Known keys with the kind of their values, in reading order.
_KIND_BY_KEY = {
    "image": "image",
    "images": "image",
    "text": "text",
    "prompt": "text",
    "messages": "messages",
    "fields": "fields",
    "table": "table",
    "rows": "table",
    "records": "table",
    "line_items": "table",
    "candidates": "candidates",
    "url": "url",
}


def build_blocks(content: Any, display: Mapping[str, str] | None = None, *, proposal: Any = None) -> list[Block]:
    """The blocks of an input in reading order: known keys first, the rest as JSON.

    `display` maps a key of the input, or `*`, to the kind that shows it; it is ignored where the value does not fit
    that kind. A `proposal` (given only once it may be seen) that rewrites the text is shown as changes to the text.
    """
    with limits.limit_item_pieces():
        found = _build_blocks(content, display or {})
    rewritten = None if proposal is None else diff.find_rewrite(content, proposal)
    return found if rewritten is None else list(_with_changes(found, rewritten))


def _build_blocks(content: Any, wanted: Mapping[str, str]) -> list[Block]:
    if WHOLE_INPUT in wanted and (whole := _PARSERS[wanted[WHOLE_INPUT]](content)) is not None:
        return [Block(wanted[WHOLE_INPUT], whole)]
    if isinstance(content, str):
        return [Block("text", content)]
    if (block := _block_by_shape(content)) is not None:
        return [block]
    if not isinstance(content, Mapping):
        return [build_data_block(content)]
    parts = list(_blocks_by_key(content, wanted))
    shown = {key for part in parts for key in (part.key, *part.also)}
    parts += [
        Block("messages", data, key)
        for key, value in content.items()
        if key not in shown and messages.is_transcript(value) and (data := messages.parse_messages(value))
    ]
    parts += [
        Block("image", found, key)
        for key, value in content.items()
        if key not in shown and isinstance(value, str) and (found := image.parse_images(value))
    ]
    shown |= {part.key for part in parts}
    rest = {key: value for key, value in content.items() if key not in shown}
    return _with_prompt([*parts, build_data_block(rest)] if rest or not parts else parts)


def _block_by_shape(content: Any) -> Block | None:
    """The block of an input that is itself a transcript or a table."""
    if messages.is_transcript(content):
        kind = "messages"
    elif table.looks_like_table(content) or _is_bare_table(content):
        kind = "table"
    else:
        return None
    data = _PARSERS[kind](content)
    return Block(kind, data) if data is not None else None


def _is_bare_table(content: Any) -> bool:
    """Whether the input holds columns and rows, and nothing that needs a block of its own."""
    return isinstance(content, Mapping) and {"columns", "rows"} <= content.keys() <= {"columns", "rows", "title"}


def _with_prompt(parts: list[Block]) -> list[Block]:
    """Group the other blocks as the prompt above the candidates, if there are candidates."""
    answers = [part for part in parts if part.kind == "candidates"]
    asked = [part for part in parts if part.kind != "candidates"]
    return [Block("prompt", asked), *answers] if answers and asked else parts


def _candidate_blocks(content: Any) -> list[Block]:
    """The blocks of a candidate; candidates inside a candidate are shown as data."""
    if isinstance(content, Mapping) and "candidates" in content:
        return [build_data_block(content)]
    return build_blocks(content)


def _blocks_by_key(content: Mapping[str, Any], display: Mapping[str, str]) -> Iterator[Block]:
    for key in (*_KIND_BY_KEY, *(key for key in display if key not in _KIND_BY_KEY)):
        if key == "text" and (marked := _marked_text_block(content, display)) is not None:
            yield marked
            continue
        for kind in (display.get(key), _KIND_BY_KEY.get(key)):
            if kind and (data := _PARSERS[kind](content.get(key))) is not None and key in content:
                yield Block(kind, data, key)
                break


def _with_changes(found: list[Block], rewritten: diff.TextDiff) -> Iterator[Block]:
    """Replace the plain text by its changes, which hold every word of it; without a text block, append them."""
    place = next((at for at, block in enumerate(found) if block.kind == "text" and block.key in {"", "text"}), None)
    changes = Block("diff", rewritten, "text")
    if place is None:
        yield from (*found, changes)
    else:
        yield from (*found[:place], changes, *found[place + 1 :])


def _marked_text_block(content: Mapping[str, Any], display: Mapping[str, str]) -> Block | None:
    """One block for the two keys `text` and `spans`, if the spans can be marked in the text."""
    if "text" not in content or "spans" not in content or not display.keys().isdisjoint({"text", "spans"}):
        return None
    data = spans.parse_spans({"text": content["text"], "spans": content["spans"]})
    return Block("spans", data, "text", also=("spans",)) if data is not None else None
