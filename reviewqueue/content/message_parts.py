"""The parts of a message: text, images, tool calls, tool results, thinking, and other data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import ngettext

from reviewqueue.content import image, limits
from reviewqueue.content.block import Block, build_data_block
from reviewqueue.content.image import Image
from reviewqueue.content.plain import format_json
from reviewqueue.kernel import locale_format

SHORT_CALL_CHARACTERS = 240  # arguments up to this length are open at first
ONE_LINE_CHARACTERS = 72  # arguments up to this length are on one line
MAX_PARTS = 200  # parts of one message that are shown; the others are data
_PREVIEW_CHARACTERS = 140  # characters of a preview

type PartKind = Literal["text", "picture", "call", "result", "thought", "data"]


@dataclass(frozen=True, slots=True)
class MessagePart:
    """`text` is the text or the arguments, `name` the tool of a call, `id` links a result to its call.

    `parts` are the parts of a result; `rest` is the part's remaining data.
    """

    kind: PartKind
    text: str = ""
    name: str = ""
    id: str = ""
    failed: bool = False
    pictures: Sequence[Image] = ()
    parts: Sequence[MessagePart] = ()
    rest: Block | None = None

    @property
    def short(self) -> bool:
        return len(self.text) <= SHORT_CALL_CHARACTERS

    @property
    def preview(self) -> str:
        """The beginning of a result, for its collapsed line."""
        return preview_parts(self.parts)


def preview_parts(parts: Iterable[MessagePart]) -> str:
    """The first words of the parts, on one line."""
    return next(
        (" ".join(part.text[: 2 * _PREVIEW_CHARACTERS].split())[:_PREVIEW_CHARACTERS] for part in parts if part.text),
        "",
    )


def has_pictures(parts: Iterable[MessagePart]) -> bool:
    return any(part.pictures or has_pictures(part.parts) for part in parts)


def has_only_results(parts: Sequence[MessagePart]) -> bool:
    """Whether all parts are tool results, which some formats send as a message of the user."""
    return bool(parts) and all(part.kind == "result" for part in parts)


def parse_content(content: Any, *, inside: bool = False) -> list[MessagePart]:
    """The parts of a message's content: a text, a list of parts, nothing, or other data.

    `inside`: the content is that of a tool result, which cannot hold further results.
    """
    match content:
        case None | "" | []:
            return []
        case str():
            return [MessagePart("text", content)]
        case list():
            return _parse_each(content, lambda entry: _parse_part(entry, inside=inside))
        case _:
            return [MessagePart("data", rest=build_data_block(content))]


def parse_calls(calls: list[Any]) -> list[MessagePart]:
    return _parse_each(calls, parse_call)


def parse_call(call: Any) -> MessagePart:
    """A tool call in OpenAI's format: its arguments are JSON in a string."""
    function = call.get("function", call) if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        return MessagePart("data", rest=build_data_block(call))
    inner = _without(function, {"name", "arguments", "id", "type"} if function is call else {"name", "arguments"})
    outer = {} if function is call else _without(call, {"function", "id", "type"})
    return MessagePart(
        "call",
        text=_format_arguments(function.get("arguments")),
        name=function["name"],
        id=str(call.get("id") or ""),
        rest=_rest_block({**outer, **inner}),
    )


def _parse_each(entries: list[Any], read: Callable[[Any], MessagePart]) -> list[MessagePart]:
    room = limits.take_pieces(min(len(entries), MAX_PARTS))
    parts = [read(entry) for entry in entries[:room]]
    rest = dict(enumerate(entries[room:], start=room + 1))
    return [*parts, MessagePart("data", rest=build_data_block({_more_label(len(rest)): rest}))] if rest else parts


def _more_label(count: int) -> str:
    return ngettext("%(count)s more part", "%(count)s more parts", count) % {
        "count": locale_format.format_number(count, grouped=True)
    }


def _parse_part(entry: Any, *, inside: bool) -> MessagePart:
    match entry:
        case str():
            return MessagePart("text", entry)
        case {"type": "text" | "input_text" | "output_text", "text": str(text)}:
            return MessagePart("text", text, rest=_rest_block(_without(entry, {"type", "text"})))
        case {"type": "refusal", "refusal": str(text)}:
            return MessagePart("text", text, rest=_rest_block(_without(entry, {"type", "refusal"})))
        case {"type": "thinking", "thinking": str(text)}:
            return MessagePart("thought", text, rest=_rest_block(_without(entry, {"type", "thinking"})))
        case {"type": "tool_use", "name": str(name)}:
            rest = _rest_block(_without(entry, {"type", "name", "id", "input"}))
            return MessagePart(
                "call", _format_arguments(entry.get("input")), name, str(entry.get("id") or ""), rest=rest
            )
        case {"type": "tool_result"} if not inside:
            return _parse_result(entry)
        case {"type": "image_url" | "image" | "input_image"}:
            return _parse_picture(entry)
        case _:
            return MessagePart("data", rest=build_data_block(entry))


def _parse_result(entry: Mapping[str, Any]) -> MessagePart:
    return MessagePart(
        "result",
        id=str(entry.get("tool_use_id") or ""),
        failed=entry.get("is_error") is True,
        parts=parse_content(entry.get("content"), inside=True),
        rest=_rest_block(_without(entry, {"type", "tool_use_id", "is_error", "content"})),
    )


def _parse_picture(entry: Mapping[str, Any]) -> MessagePart:
    """An image embedded in the message; a URL is shown as data, because it is never fetched."""
    found, rest = _find_picture(entry)
    return (
        MessagePart("data", rest=build_data_block(entry))
        if found is None
        else MessagePart("picture", pictures=[found], rest=_rest_block(rest))
    )


def _find_picture(entry: Mapping[str, Any]) -> tuple[Image | None, Mapping[str, Any]]:
    """The image of a part and the part's remaining data."""
    match entry:
        case {"image_url": {"url": url} as inner}:
            return image.parse_image(url), _without(entry, {"type", "image_url"}) | _without(inner, {"url"})
        case {"image_url": url}:
            return image.parse_image(url), _without(entry, {"type", "image_url"})
        case {"source": {"type": "base64", "data": str(data)}}:
            return image.parse_base64_image(data), _without(entry, {"type", "source"})
        case {"image": url}:
            return image.parse_image(url), _without(entry, {"type", "image"})
        case _:
            return None, entry


def _format_arguments(value: Any) -> str:
    """Arguments as readable JSON; a string that is not JSON is returned unchanged."""
    if not isinstance(value, str):
        return "" if value is None else _format_json(value)
    try:
        return _format_json(json.loads(value, object_pairs_hook=_reject_duplicate_keys))
    except (ValueError, RecursionError):
        return value


def _format_json(value: Any) -> str:
    line = json.dumps(value, ensure_ascii=False)
    return line if len(line) <= ONE_LINE_CHARACTERS else format_json(value)


def _reject_duplicate_keys(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object; ValueError if a key occurs twice, because one value would hide the other."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("Duplicate key.")
    return found


def _without(entry: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    taken = set(known)
    return {key: value for key, value in entry.items() if key not in taken}


def _rest_block(rest: Mapping[str, Any]) -> Block | None:
    return build_data_block(rest) if rest else None
