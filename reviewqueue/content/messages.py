"""A chat: who said what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Message:
    author: str
    text: str


def read(value: Any) -> list[Message] | None:
    if not isinstance(value, list) or not value:
        return None
    messages = [message for entry in value if (message := _message(entry))]
    return messages if len(messages) == len(value) else None


def _message(entry: Any) -> Message | None:
    """A chat line; anything beyond an author and a text would be lost, so it makes the whole chat JSON."""
    if not isinstance(entry, Mapping):
        return None
    author = next((entry[key] for key in ("author", "role", "from", "name") if key in entry), "")
    text = next((entry[key] for key in ("text", "content") if key in entry), None)
    if not isinstance(author, str) or not isinstance(text, str) or len(entry) > 2:
        return None
    return Message(author, text)
