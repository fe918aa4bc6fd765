"""Chats and agent transcripts: messages, tool calls and tool results.

Parses the message formats of OpenAI's, Anthropic's, Bedrock's and Gemini's APIs, of LangChain, the AI SDK and ShareGPT,
and plain chat lines. Any other data of a message is shown below it, and an entry that is no message is shown as data in
its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.utils.translation import gettext as _

from reviewqueue.content import tool_calls
from reviewqueue.content.block import Block, build_data_block
from reviewqueue.content.message_parts import (
    MessagePart,
    build_data_part,
    has_only_results,
    has_pictures,
    parse_call,
    parse_calls,
    parse_content,
    parse_result,
    preview_parts,
)
from reviewqueue.content.plain import format_plain
from reviewqueue.content.tool_calls import first_key, without

FOLD_ABOVE_MESSAGES = 40  # messages in view; of a longer transcript the earlier ones are folded
KEPT_MESSAGES = 30  # messages in view of a longer transcript
MAX_UNFOLDED_MESSAGES = 200  # messages in view, when the one to judge stands early; those after them are data
MAX_FOLDED_MESSAGES = 200  # folded messages that are drawn; of a transcript longer still, the first ones are data

type MessageRole = Literal["user", "assistant", "system", "tool", "other"]

_AUTHOR_KEYS = ("role", "author", "from", "sender", "name")
_TEXT_KEYS = ("content", "text", "message", "value", "parts", "output", "result")
_TIME_KEYS = ("timestamp", "created_at", "at", "time", "date")
_CALL_KEYS = ("tool_calls", "toolCalls", "function_call")
_THOUGHT_KEYS = ("reasoning_content", "reasoning", "thinking")
_SAID_KEYS = (*_TEXT_KEYS, *_CALL_KEYS, *_THOUGHT_KEYS, "refusal", "audio")
# LangChain names the author in `type`.
_TYPED_AUTHORS = frozenset({"human", "ai", "system", "tool", "function"})
_ROLE_BY_AUTHOR: dict[str, MessageRole] = {
    "user": "user",
    "human": "user",
    "customer": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "bot": "assistant",
    "gpt": "assistant",
    "model": "assistant",
    "agent": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
    "function_call": "assistant",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `rest` is its data beyond author, time and content.

    `judged`: the message to review, as marked by the sender, else the last answer of a transcript that ends in one.
    """

    number: int
    role: MessageRole
    author: str
    name: str
    at: str
    call_id: str  # of the tool call that this message answers
    parts: Sequence[MessagePart]
    rest: Block | None
    rest_keys: str
    rest_is_open: bool = False  # because somebody may have said it
    judged: bool = False

    @property
    def folded(self) -> bool:
        """Whether the message is collapsed at first: system and tool messages."""
        return self.role in {"system", "tool"} and not self.judged and not has_only_results(self.parts)

    @property
    def preview(self) -> str:
        """The beginning of the message, for its collapsed line."""
        return preview_parts(self.parts)


@dataclass(frozen=True, slots=True)
class Transcript:
    """The messages in view; `earlier` ones are folded; `first` and `last` are messages shown only as data."""

    earlier: Sequence[Message]
    messages: Sequence[Message]
    marks_judged: bool
    total: int
    first: Block | None = None
    last: Block | None = None
    later_count: int = 0  # messages in `last`

    @property
    def judged(self) -> Message | None:
        return next((one for one in self.messages if one.judged), None)

    @property
    def shows_pictures(self) -> bool:
        return any(has_pictures(one.parts) for one in (*self.earlier, *self.messages))


def parse_messages(value: Any) -> Transcript | None:
    """A list as a transcript, with entries that are no messages as data in their places; None if none is a message."""
    if not isinstance(value, list) or not any(is_message(entry) for entry in value):
        return None
    marked = next((at for at, entry in enumerate(value) if is_message(entry) and entry.get("judged") is True), None)
    judged = _find_last_answer(value) if marked is None else marked
    view = _first_in_view(len(value), judged)
    drawn = max(0, view - MAX_FOLDED_MESSAGES)
    end = view + MAX_UNFOLDED_MESSAGES
    messages = _parse_numbered(value[view:end], view)  # before the earlier ones, which get the rest of the budget
    if judged is not None:
        messages[judged - view] = replace(messages[judged - view], judged=True)
    return Transcript(
        earlier=_parse_numbered(value[drawn:view], drawn),
        messages=messages,
        marks_judged=marked is not None,
        total=len(value),
        first=build_data_block(value[:drawn]) if drawn else None,
        last=build_data_block(value[end:]) if value[end:] else None,
        later_count=len(value[end:]),
    )


def is_transcript(value: Any) -> bool:
    """Whether a list is a transcript without being named one: all entries have a role or type, most are messages."""
    return (
        isinstance(value, list)
        and all(isinstance(entry, Mapping) and entry.keys() & {"role", "from", "type"} for entry in value)
        and 2 * sum(map(is_message, value)) > len(value)
    )


def is_message(entry: Any) -> bool:
    """Whether an entry has an author and something that it says, or is a tool call, a result or a thought."""
    if not isinstance(entry, Mapping):
        return False
    entry = _unwrap(entry)
    if _find_author(entry)[1]:
        return any(key in entry for key in _SAID_KEYS)
    return _parse_step(entry) is not None


def _unwrap(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message that LangChain wrapped in `data`, as others have it."""
    match entry:
        case {"type": str(kind), "data": Mapping() as inner} if len(entry) == 2 and kind in _TYPED_AUTHORS:
            return {**inner, "type": kind}
        case _:
            return entry


def _find_author(entry: Mapping[str, Any]) -> tuple[str | None, str]:
    """The key that names the author, and the author; (None, "") if there is none."""
    key = first_key(entry, _AUTHOR_KEYS[:-1])
    if key is None and tool_calls.type_of(entry) in _TYPED_AUTHORS:
        key = "type"
    if key is None and "type" not in entry:
        key = first_key(entry, _AUTHOR_KEYS)
    match entry.get(key or ""):
        case str(author) | {"role": str(author)}:
            return key, author
        case _:
            return None, ""


def _parse_step(entry: Mapping[str, Any]) -> tuple[str, MessagePart] | None:
    """A tool call, result or thought that is an entry of its own, as OpenAI's Responses API has it, with its author."""
    if tool_calls.type_of(entry) == "reasoning":
        said = [*parse_content(entry.get("summary")), *parse_content(entry.get("content"))]
        rest = without(entry, {"type", "summary", "content"})
        text = "\n\n".join(part.text for part in said)
        others = [part for part in said if part.rest]
        return None if others else ("assistant", MessagePart("thought", text, rest=_rest_block(rest)))
    if (result := parse_result(entry)) is not None:
        return "tool", result
    return ("assistant", parse_call(entry)) if tool_calls.is_call(entry) and tool_calls.parse_call(entry) else None


def _parse_numbered(entries: Sequence[Any], before: int) -> list[Message]:
    return [_parse_entry(entry, number) for number, entry in enumerate(entries, start=before + 1)]


def _parse_entry(entry: Any, number: int) -> Message:
    if not is_message(entry):
        author = _find_author(entry)[1] if isinstance(entry, Mapping) else ""
        return _build_message(number, author or _("Data"), [build_data_part(entry)])
    entry = _unwrap(entry)
    if not _find_author(entry)[1] and (step := _parse_step(entry)) is not None:
        return _build_message(number, step[0], [step[1]])
    return _parse_message(entry, number)


def _build_message(number: int, said: str, parts: Sequence[MessagePart], **others: Any) -> Message:
    """A message of this author; one that consists only of tool results counts as the tool's."""
    if has_only_results(parts):
        said = "tool"
    fields: dict[str, Any] = {"name": "", "at": "", "call_id": "", "rest": {}} | others
    rest = fields.pop("rest")
    return Message(
        number=number,
        role=_role_of(said),
        author=_author_label(said),
        parts=parts,
        rest=build_data_block(rest) if rest else None,
        rest_keys=", ".join(rest),
        rest_is_open=any(map(_holds_words, rest.values())),
        **fields,
    )


def _parse_message(entry: Mapping[str, Any], number: int) -> Message:
    author, said = _find_author(entry)
    time, call_id = first_key(entry, _TIME_KEYS), first_key(entry, tool_calls.ID_KEYS[:-1])
    parts, spoken = _spoken_parts(entry)
    taken = {author, time, call_id, *spoken, "judged"}
    name = ""
    if author != "name" and isinstance(entry.get("name"), str | None) and "name" in entry:
        name = entry["name"] or ""
        taken.add("name")
    if entry.get("type") == "message":  # what OpenAI's Responses API calls every message
        taken.add("type")
    rest = without(entry, taken) | dict(_unparsed_entries(entry, author))
    return _build_message(
        number,
        said,
        parts,
        name=name,
        at=format_plain(entry[time]) if time else "",
        call_id=format_plain(entry[call_id]) if call_id and entry[call_id] else "",
        rest=rest,
    )


def _spoken_parts(entry: Mapping[str, Any]) -> tuple[list[MessagePart], set[str]]:
    """What a message says, and the keys with it: thoughts, content, a refusal, speech and tool calls."""
    parts: list[MessagePart] = []
    keys: set[str] = set()
    for key in _THOUGHT_KEYS:
        if isinstance(entry.get(key), str | None) and key in entry:
            keys.add(key)
            parts += [MessagePart("thought", entry[key])] if entry[key] else []
    contents: list[MessagePart] = []
    for key in _TEXT_KEYS:
        if key in entry and (not contents or key == "parts"):
            keys.add(key)
            found = parse_content(entry[key])
            contents = found if all(part in found for part in contents) else contents + found
    parts += contents
    if isinstance(entry.get("refusal"), str | None) and "refusal" in entry:
        keys.add("refusal")
        parts += [MessagePart("text", entry["refusal"])] if entry["refusal"] else []
    if isinstance(audio := entry.get("audio"), Mapping):
        keys.add("audio")
        parts.append(_parse_speech(audio))
    return parts + list(_message_calls(entry)), keys | set(_CALL_KEYS)


def _parse_speech(audio: Mapping[str, Any]) -> MessagePart:
    """Speech as its transcript, if there is one, and its data."""
    if isinstance(audio.get("transcript"), str):
        return MessagePart("text", audio["transcript"], rest=_rest_block(without(audio, {"transcript"})))
    return build_data_part({"audio": audio})


def _message_calls(entry: Mapping[str, Any]) -> Iterator[MessagePart]:
    for key in ("tool_calls", "toolCalls"):
        calls = entry.get(key)
        yield from parse_calls(calls if isinstance(calls, list) else [])
    if isinstance(entry.get("function_call"), Mapping):
        yield parse_call(entry["function_call"])


def _unparsed_entries(entry: Mapping[str, Any], author: str | None) -> Iterator[tuple[str, Any]]:
    """Values under the keys for tool calls, `judged` and the author that were not shown, or not whole."""
    for key, kind in (("tool_calls", list), ("toolCalls", list), ("function_call", Mapping), ("judged", bool)):
        if entry.get(key) is not None and not isinstance(entry[key], kind):
            yield key, entry[key]
    if author and isinstance(entry[author], Mapping) and len(entry[author]) > 1:
        yield author, without(entry[author], {"role"})


def _holds_words(value: Any) -> bool:
    """Whether a value is or holds a text of several words, which somebody may have said."""
    match value:
        case str():
            return len(value.split()) > 2
        case Mapping():
            return any(map(_holds_words, value.values()))
        case list():
            return any(map(_holds_words, value))
        case _:
            return False


def _rest_block(rest: Mapping[str, Any]) -> Block | None:
    return build_data_block(rest) if rest else None


def _role_of(author: str) -> MessageRole:
    return _ROLE_BY_AUTHOR.get(author.lower(), "other")


def _author_label(role: str) -> str:
    match role.lower():
        case "user":
            return _("User")
        case "assistant":
            return _("Assistant")
        case "system":
            return _("System")
        case "developer":
            return _("Developer")
        case "tool" | "function":
            return _("Tool")
        case _:
            return role


def _find_last_answer(entries: Sequence[Any]) -> int | None:
    """The index of the last message if it is the assistant's, else None."""
    last = len(entries) - 1
    return last if last > 0 and _parse_entry(entries[last], last).role == "assistant" else None


def _first_in_view(count: int, judged: int | None) -> int:
    if count <= FOLD_ABOVE_MESSAGES:
        return 0
    return min(count - KEPT_MESSAGES, count if judged is None else max(0, judged - 2))
