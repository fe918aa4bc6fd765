"""Chats and agent transcripts: messages, tool calls and tool results.

Parses the message formats of OpenAI's and Anthropic's APIs, and plain chat lines. Any other data of a message is shown
below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.utils.translation import gettext as _

from reviewqueue.content.block import Block, build_data_block
from reviewqueue.content.message_parts import (
    MessagePart,
    has_only_results,
    has_pictures,
    parse_call,
    parse_calls,
    parse_content,
    preview_parts,
)
from reviewqueue.content.plain import format_plain

FOLD_ABOVE_MESSAGES = 40  # messages in view; of a longer transcript the earlier ones are folded
KEPT_MESSAGES = 30  # messages in view of a longer transcript
MAX_UNFOLDED_MESSAGES = 200  # messages in view, when the one to judge stands early; those after them are data
MAX_FOLDED_MESSAGES = 200  # folded messages that are drawn; of a transcript longer still, the first ones are data

type MessageRole = Literal["user", "assistant", "system", "tool", "other"]

_AUTHOR_KEYS = ("role", "author", "from", "sender", "name")
_TEXT_KEYS = ("content", "text", "message", "value")
_TIME_KEYS = ("timestamp", "created_at", "at", "time", "date")
_CALL_KEYS = ("tool_calls", "function_call")
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
    """A list of messages as a transcript; None if an entry is not a message."""
    if not isinstance(value, list) or not value or not all(is_message(entry) for entry in value):
        return None
    marked = next((at for at, entry in enumerate(value) if entry.get("judged") is True), None)
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
    """Whether a list is a transcript without being named one: every entry is a message with a role."""
    return isinstance(value, list) and all(is_message(entry) and entry.keys() & {"role", "from"} for entry in value)


def is_message(entry: Any) -> bool:
    """Whether an entry has an author and a text or a tool call."""
    if not isinstance(entry, Mapping):
        return False
    author = _first_key(entry, _AUTHOR_KEYS)
    has_text = any(key in entry for key in _TEXT_KEYS)
    return (
        author is not None
        and isinstance(entry[author], str)
        and (has_text or any(entry.get(key) for key in _CALL_KEYS))
    )


def _parse_numbered(entries: Sequence[Mapping[str, Any]], before: int) -> list[Message]:
    return [_parse_message(entry, number) for number, entry in enumerate(entries, start=before + 1)]


def _parse_message(entry: Mapping[str, Any], number: int) -> Message:
    author, text, time = _first_key(entry, _AUTHOR_KEYS), _first_key(entry, _TEXT_KEYS), _first_key(entry, _TIME_KEYS)
    said = entry[author] if author else ""
    taken = {author, text, time, *_CALL_KEYS, "tool_call_id", "judged"}
    name = ""
    if author != "name" and isinstance(entry.get("name"), str):
        name = entry["name"]
        taken.add("name")
    parts = [*(parse_content(entry[text]) if text else []), *_message_calls(entry)]
    rest = {key: value for key, value in entry.items() if key not in taken} | dict(_unparsed_entries(entry))
    return Message(
        number=number,
        role="tool" if has_only_results(parts) else _ROLE_BY_AUTHOR.get(said.lower(), "other"),
        author=_author_label("tool" if has_only_results(parts) else said),
        name=name,
        at=format_plain(entry[time]) if time else "",
        call_id=str(entry.get("tool_call_id") or ""),
        parts=parts,
        rest=build_data_block(rest) if rest else None,
        rest_keys=", ".join(rest),
    )


def _first_key(entry: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    return next((key for key in keys if key in entry), None)


def _message_calls(entry: Mapping[str, Any]) -> Iterator[MessagePart]:
    calls = entry.get("tool_calls")
    yield from parse_calls(calls if isinstance(calls, list) else [])
    if isinstance(entry.get("function_call"), Mapping):
        yield parse_call(entry["function_call"])


def _unparsed_entries(entry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Values under the keys for tool calls and `judged` that are not of the expected type."""
    if entry.get("tool_calls") is not None and not isinstance(entry["tool_calls"], list):
        yield "tool_calls", entry["tool_calls"]
    if entry.get("function_call") is not None and not isinstance(entry["function_call"], Mapping):
        yield "function_call", entry["function_call"]
    if "judged" in entry and not isinstance(entry["judged"], bool):
        yield "judged", entry["judged"]


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


def _find_last_answer(entries: Sequence[Mapping[str, Any]]) -> int | None:
    """The index of the last message if it is the assistant's, else None."""
    last = len(entries) - 1
    return last if last > 0 and _parse_message(entries[last], last).role == "assistant" else None


def _first_in_view(count: int, judged: int | None) -> int:
    if count <= FOLD_ABOVE_MESSAGES:
        return 0
    return min(count - KEPT_MESSAGES, count if judged is None else max(0, judged - 2))
