"""The parts of one message: words, pictures, calls of tools, what tools gave back, thoughts, and anything else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import ngettext

from reviewqueue.content import image, limits
from reviewqueue.content.block import Block, as_data
from reviewqueue.content.image import Image
from reviewqueue.content.plain import pretty
from reviewqueue.kernel import locale_format

SHORT = 240  # characters of arguments up to which a call is open at first
ONE_LINE = 72  # characters of arguments that stand on one line
MOST = 200  # parts of one message that are drawn; the others are data
_PEEK = 140  # characters of a folded text

type Kind = Literal["text", "picture", "call", "result", "thought", "data"]


@dataclass(frozen=True, slots=True)
class Part:
    """`text` is what is said or sent, `name` the tool of a call, `id` what ties a result to its call.

    `parts` are what a result is made of, `rest` is what the part carried beyond all that.
    """

    kind: Kind
    text: str = ""
    name: str = ""
    id: str = ""
    failed: bool = False
    pictures: Sequence[Image] = ()
    parts: Sequence[Part] = ()
    rest: Block | None = None

    @property
    def short(self) -> bool:
        return len(self.text) <= SHORT

    @property
    def peek(self) -> str:
        """How a result begins, for the line that it is folded into."""
        return beginning(self.parts)


def beginning(parts: Iterable[Part]) -> str:
    """The first words of these, on one line."""
    return next((" ".join(part.text[: 2 * _PEEK].split())[:_PEEK] for part in parts if part.text), "")


def has_pictures(parts: Iterable[Part]) -> bool:
    return any(part.pictures or has_pictures(part.parts) for part in parts)


def only_results(parts: Sequence[Part]) -> bool:
    """Only what tools gave back, each folded on its own: some formats send that as the user's words."""
    return bool(parts) and all(part.kind == "result" for part in parts)


def of_content(content: Any, *, inside: bool = False) -> list[Part]:
    """The parts of a message's content: a text, a list of parts, nothing, or something else, which is data.

    `inside`: of a result's content, which can hold no further results.
    """
    match content:
        case None | "" | []:
            return []
        case str():
            return [Part("text", content)]
        case list():
            return _each(content, lambda entry: _part(entry, inside=inside))
        case _:
            return [Part("data", rest=as_data(content))]


def of_calls(calls: list[Any]) -> list[Part]:
    return _each(calls, of_call)


def of_call(call: Any) -> Part:
    """A call as OpenAI's interface carries it: its arguments are JSON in a string."""
    function = call.get("function", call) if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        return Part("data", rest=as_data(call))
    inner = _without(function, {"name", "arguments", "id", "type"} if function is call else {"name", "arguments"})
    outer = {} if function is call else _without(call, {"function", "id", "type"})
    return Part(
        "call",
        text=_arguments(function.get("arguments")),
        name=function["name"],
        id=str(call.get("id") or ""),
        rest=_rest({**outer, **inner}),
    )


def _each(entries: list[Any], read: Callable[[Any], Part]) -> list[Part]:
    room = limits.some(min(len(entries), MOST))
    parts = [read(entry) for entry in entries[:room]]
    rest = dict(enumerate(entries[room:], start=room + 1))
    return [*parts, Part("data", rest=as_data({_more(len(rest)): rest}))] if rest else parts


def _more(count: int) -> str:
    return ngettext("%(count)s more part", "%(count)s more parts", count) % {
        "count": locale_format.number(count, grouped=True)
    }


def _part(entry: Any, *, inside: bool) -> Part:
    match entry:
        case str():
            return Part("text", entry)
        case {"type": "text" | "input_text" | "output_text", "text": str(text)}:
            return Part("text", text, rest=_rest(_without(entry, {"type", "text"})))
        case {"type": "refusal", "refusal": str(text)}:
            return Part("text", text, rest=_rest(_without(entry, {"type", "refusal"})))
        case {"type": "thinking", "thinking": str(text)}:
            return Part("thought", text, rest=_rest(_without(entry, {"type", "thinking"})))
        case {"type": "tool_use", "name": str(name)}:
            rest = _rest(_without(entry, {"type", "name", "id", "input"}))
            return Part("call", _arguments(entry.get("input")), name, str(entry.get("id") or ""), rest=rest)
        case {"type": "tool_result"} if not inside:
            return _result(entry)
        case {"type": "image_url" | "image" | "input_image"}:
            return _picture(entry)
        case _:
            return Part("data", rest=as_data(entry))


def _result(entry: Mapping[str, Any]) -> Part:
    return Part(
        "result",
        id=str(entry.get("tool_use_id") or ""),
        failed=entry.get("is_error") is True,
        parts=of_content(entry.get("content"), inside=True),
        rest=_rest(_without(entry, {"type", "tool_use_id", "is_error", "content"})),
    )


def _picture(entry: Mapping[str, Any]) -> Part:
    """A picture that stands in the message itself; an address is data, for it is never fetched."""
    found, rest = _source(entry)
    return Part("data", rest=as_data(entry)) if found is None else Part("picture", pictures=[found], rest=_rest(rest))


def _source(entry: Mapping[str, Any]) -> tuple[Image | None, Mapping[str, Any]]:
    """The picture of a part, and what the part carries beside it."""
    match entry:
        case {"image_url": {"url": url} as inner}:
            return image.picture(url), _without(entry, {"type", "image_url"}) | _without(inner, {"url"})
        case {"image_url": url}:
            return image.picture(url), _without(entry, {"type", "image_url"})
        case {"source": {"type": "base64", "data": str(data)}}:
            return image.from_base64(data), _without(entry, {"type", "source"})
        case {"image": url}:
            return image.picture(url), _without(entry, {"type", "image"})
        case _:
            return None, entry


def _arguments(value: Any) -> str:
    """Arguments as a person reads them; a string that is no JSON as it came."""
    if not isinstance(value, str):
        return "" if value is None else _laid_out(value)
    try:
        return _laid_out(json.loads(value, object_pairs_hook=_once))
    except (ValueError, RecursionError):
        return value


def _laid_out(value: Any) -> str:
    line = json.dumps(value, ensure_ascii=False)
    return line if len(line) <= ONE_LINE else pretty(value)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different: of others, one would hide the other."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("A key stands twice.")
    return found


def _without(entry: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    taken = set(known)
    return {key: value for key, value in entry.items() if key not in taken}


def _rest(rest: Mapping[str, Any]) -> Block | None:
    return as_data(rest) if rest else None
