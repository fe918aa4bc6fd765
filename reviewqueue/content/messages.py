"""Chats and transcripts of agents: who said what, which tools were called with what, and what came back.

Reads messages as OpenAI's and Anthropic's interfaces carry them, and plain chat lines. What a message or a part of it
holds beyond that is never dropped: it stands below it as data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.utils.translation import gettext as _

from reviewqueue.content.block import Block, as_data
from reviewqueue.content.message_parts import Part, beginning, has_pictures, of_call, of_calls, of_content, only_results
from reviewqueue.content.plain import plain

MOST = 40  # messages in view; of a longer transcript the earlier ones are folded
KEPT = 30  # messages in view of a longer transcript
MOST_LATER = 200  # messages in view, when the one to judge stands early; those after them are data
MOST_EARLIER = 200  # folded messages that are drawn; of a transcript longer still, the first ones are data

type Role = Literal["user", "assistant", "system", "tool", "other"]

_AUTHORS = ("role", "author", "from", "sender", "name")
_TEXTS = ("content", "text", "message", "value")
_TIMES = ("timestamp", "created_at", "at", "time", "date")
_CALLS = ("tool_calls", "function_call")
_ROLES: dict[str, Role] = {
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
    """`author` in words, `name` beside it; `rest` is what the message carried beyond its author, time and content.

    `judged`: the one that is asked about, as its sender says, or else the last answer of a transcript that ends in one.
    """

    number: int
    role: Role
    author: str
    name: str
    at: str
    answers: str  # the id of the call that this is the result of
    parts: Sequence[Part]
    rest: Block | None
    rest_keys: str
    judged: bool = False

    @property
    def folded(self) -> bool:
        """Instructions and what tools gave back: there to be looked up."""
        return self.role in {"system", "tool"} and not self.judged and not only_results(self.parts)

    @property
    def peek(self) -> str:
        """How it begins, for the line that it is folded into."""
        return beginning(self.parts)


@dataclass(frozen=True, slots=True)
class Transcript:
    """`earlier` is what is folded of a long one, `first` and `last` are what even that leaves to be data."""

    earlier: Sequence[Message]
    messages: Sequence[Message]
    said_judged: bool
    total: int
    first: Block | None = None
    last: Block | None = None
    after: int = 0  # messages in `last`

    @property
    def judged(self) -> Message | None:
        return next((one for one in self.messages if one.judged), None)

    @property
    def pictured(self) -> bool:
        return any(has_pictures(one.parts) for one in (*self.earlier, *self.messages))


def read(value: Any) -> Transcript | None:
    """None where an entry is no message; a list of messages may stand in a mapping of its own."""
    if not isinstance(value, list) or not value or not all(is_message(entry) for entry in value):
        return None
    said = next((at for at, entry in enumerate(value) if entry.get("judged") is True), None)
    judged = _last_answer(value) if said is None else said
    view = _first_in_view(len(value), judged)
    drawn = max(0, view - MOST_EARLIER)
    end = view + MOST_LATER
    messages = _numbered(value[view:end], view)  # before the earlier ones, which take what room is left
    if judged is not None:
        messages[judged - view] = replace(messages[judged - view], judged=True)
    return Transcript(
        earlier=_numbered(value[drawn:view], drawn),
        messages=messages,
        said_judged=said is not None,
        total=len(value),
        first=as_data(value[:drawn]) if drawn else None,
        last=as_data(value[end:]) if value[end:] else None,
        after=len(value[end:]),
    )


def is_transcript(value: Any) -> bool:
    """Whether a list says of itself that it is a transcript: every entry has a role."""
    return isinstance(value, list) and all(is_message(entry) and entry.keys() & {"role", "from"} for entry in value)


def is_message(entry: Any) -> bool:
    """Somebody said something, or called a tool."""
    if not isinstance(entry, Mapping):
        return False
    author = _first(entry, _AUTHORS)
    says = any(key in entry for key in _TEXTS)
    return author is not None and isinstance(entry[author], str) and (says or any(entry.get(key) for key in _CALLS))


def _numbered(entries: Sequence[Mapping[str, Any]], before: int) -> list[Message]:
    return [_message(entry, number) for number, entry in enumerate(entries, start=before + 1)]


def _message(entry: Mapping[str, Any], number: int) -> Message:
    author, text, time = _first(entry, _AUTHORS), _first(entry, _TEXTS), _first(entry, _TIMES)
    said = entry[author] if author else ""
    taken = {author, text, time, *_CALLS, "tool_call_id", "judged"}
    name = ""
    if author != "name" and isinstance(entry.get("name"), str):
        name = entry["name"]
        taken.add("name")
    parts = [*(of_content(entry[text]) if text else []), *_calls(entry)]
    rest = {key: value for key, value in entry.items() if key not in taken} | dict(_left_over(entry))
    return Message(
        number=number,
        role="tool" if only_results(parts) else _ROLES.get(said.lower(), "other"),
        author=_in_words("tool" if only_results(parts) else said),
        name=name,
        at=plain(entry[time]) if time else "",
        answers=str(entry.get("tool_call_id") or ""),
        parts=parts,
        rest=as_data(rest) if rest else None,
        rest_keys=", ".join(rest),
    )


def _first(entry: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    return next((key for key in keys if key in entry), None)


def _calls(entry: Mapping[str, Any]) -> Iterator[Part]:
    calls = entry.get("tool_calls")
    yield from of_calls(calls if isinstance(calls, list) else [])
    if isinstance(entry.get("function_call"), Mapping):
        yield of_call(entry["function_call"])


def _left_over(entry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What stands where calls or a mark would, and is none."""
    if entry.get("tool_calls") is not None and not isinstance(entry["tool_calls"], list):
        yield "tool_calls", entry["tool_calls"]
    if entry.get("function_call") is not None and not isinstance(entry["function_call"], Mapping):
        yield "function_call", entry["function_call"]
    if "judged" in entry and not isinstance(entry["judged"], bool):
        yield "judged", entry["judged"]


def _in_words(role: str) -> str:
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


def _last_answer(entries: Sequence[Mapping[str, Any]]) -> int | None:
    """A transcript that ends in somebody else's words asks about something else."""
    last = len(entries) - 1
    return last if last > 0 and _message(entries[last], last).role == "assistant" else None


def _first_in_view(count: int, judged: int | None) -> int:
    if count <= MOST:
        return 0
    return min(count - KEPT, count if judged is None else max(0, judged - 2))
