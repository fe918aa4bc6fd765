"""The parts of a message: text, images, tool calls, tool results, thinking, and other data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.utils.translation import ngettext

from reviewqueue.content import image, limits, tool_calls
from reviewqueue.content.block import Block, build_data_block
from reviewqueue.content.image import Image
from reviewqueue.content.tool_calls import merge_rests, without
from reviewqueue.kernel import locale_format

SHORT_CALL_CHARACTERS = 240  # arguments up to this length are open at first
type PartKind = Literal["text", "picture", "call", "result", "thought", "data"]

MAX_PARTS = 200  # parts of one message that are shown; the others are data
_PREVIEW_CHARACTERS = 140  # characters of a preview

# Parts that are words. Those without a type (Bedrock, Gemini) are text.
_PART_KIND_BY_TYPE: dict[str, PartKind] = {
    "": "text",
    "text": "text",
    "input_text": "text",
    "output_text": "text",
    "refusal": "text",
    "thinking": "thought",
    "reasoning": "thought",
    "reasoning_text": "thought",
    "summary_text": "thought",
}
_WORD_KEYS = ("text", "refusal", "thinking", "reasoning")


@dataclass(frozen=True, slots=True)
class MessagePart:
    """`text` is the text or the arguments, `name` the tool of a call, `id` links a result to its call.

    `parts` are the parts of a result, or the result that came with a call; `rest` is the part's remaining data.
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
        case {"parts": list(parts)} if len(content) == 1 or content.get("content_type") == "text":
            return parse_content(parts, inside=inside)
        case {"value": str(text)} if len(content) == 1:
            return [MessagePart("text", text)]
        case list():
            return _parse_each(content, lambda entry: _parse_part(entry, inside=inside))
        case _:
            return [build_data_part(content)]


def parse_calls(calls: list[Any]) -> list[MessagePart]:
    return _parse_each(calls, parse_call)


def parse_call(call: Any) -> MessagePart:
    """An entry of a list of tool calls; data if it is not one."""
    found = tool_calls.parse_call(call)
    if found is None:
        return build_data_part(call)
    return MessagePart("call", text=found.arguments, name=found.name, id=found.id, rest=_rest_block(found.rest))


def parse_result(entry: Mapping[str, Any]) -> MessagePart | None:
    """A tool result, None if it is something else."""
    found = tool_calls.parse_result(entry)
    return None if found is None else _build_result(found)


def _build_result(found: tool_calls.ToolResult) -> MessagePart:
    return MessagePart(
        "result",
        name=found.name,
        id=found.id,
        failed=found.failed,
        parts=parse_content(found.content, inside=True),
        rest=_rest_block(found.rest),
    )


def build_data_part(value: Any) -> MessagePart:
    """Something that is no known part, as data with every level open: it may hold what was said."""
    return MessagePart("data", rest=build_data_block(value, is_open=True))


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
    if isinstance(entry, str):
        return MessagePart("text", entry)
    if not isinstance(entry, Mapping):
        return build_data_part(entry)
    if (text := _parse_text(entry)) is not None:
        return text
    if tool_calls.type_of(entry) in {"image_url", "image", "input_image", "file"} or _find_picture(entry)[0]:
        return _parse_picture(entry)
    if not inside and (used := tool_calls.split_used_tool(entry)) is not None:
        call, result = used
        return replace(parse_call(call), parts=[_build_result(result)] if result else [])
    if not inside and (answered := parse_result(entry)) is not None:
        return answered
    if tool_calls.is_call(entry):
        return parse_call(entry)
    return build_data_part(entry)


def _parse_text(entry: Mapping[str, Any]) -> MessagePart | None:
    """A part with words: text, a refusal, or thoughts."""
    match entry:
        case {"reasoningContent": {"reasoningText": {"text": str(text)}}}:
            return MessagePart("thought", text, rest=_rest_block(without(entry, {"reasoningContent"})))
        case {"thought": True, "text": str(text)}:
            return MessagePart("thought", text, rest=_rest_block(without(entry, {"thought", "text"})))
    kind = tool_calls.type_of(entry)
    if "type" in entry and kind not in _PART_KIND_BY_TYPE:
        return None
    key = tool_calls.first_key(entry, _WORD_KEYS)
    if key is None or not isinstance(entry[key], str):
        return None
    return MessagePart(_PART_KIND_BY_TYPE[kind], entry[key], rest=_rest_block(without(entry, {"type", key})))


def _parse_picture(entry: Mapping[str, Any]) -> MessagePart:
    """An image embedded in the message; a URL is shown as data, because it is never fetched."""
    found, rest = _find_picture(entry)
    return build_data_part(entry) if found is None else MessagePart("picture", pictures=[found], rest=_rest_block(rest))


def _find_picture(entry: Mapping[str, Any]) -> tuple[Image | None, Mapping[str, Any]]:
    """The image of a part and the part's remaining data."""
    match entry:
        case {"image_url": {"url": url} as inner}:
            return image.parse_image(url), merge_rests(without(entry, {"type", "image_url"}), without(inner, {"url"}))
        case {"image_url": url}:
            return image.parse_image(url), without(entry, {"type", "image_url"})
        case {"source": {"type": "base64", "data": str(data)}}:
            return image.parse_base64_image(data), without(entry, {"type", "source"})
        case {"image": {"source": {"bytes": str(data)}}}:
            return image.parse_base64_image(data), without(entry, {"image"})
        case {"image": url}:
            return image.parse_image(url), without(entry, {"type", "image"})
        case {"url": str(url)}:
            return image.parse_image(url), without(entry, {"type", "url"})
        case {"inlineData": {"data": str(data)} as inner} | {"inline_data": {"data": str(data)} as inner}:
            rest = merge_rests(without(entry, {"inlineData", "inline_data"}), without(inner, {"data"}))
            is_image = str(inner.get("mimeType") or inner.get("mime_type")).startswith("image/")
            return (image.parse_base64_image(data), rest) if is_image else (None, entry)
        case _:
            return None, entry


def _rest_block(rest: Mapping[str, Any]) -> Block | None:
    return build_data_block(rest) if rest else None
