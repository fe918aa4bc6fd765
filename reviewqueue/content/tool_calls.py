"""Tool calls and tool results in the formats of the usual APIs and libraries, which differ in the names of their keys.

OpenAI's chat and Responses APIs, Anthropic, Amazon Bedrock, Gemini, LangChain and Vercel's AI SDK.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reviewqueue.content.plain import format_compact_json, format_json
from reviewqueue.kernel.sent_json import parse_sent

ONE_LINE_CHARACTERS = 72  # arguments up to this length are on one line

ID_KEYS = ("tool_call_id", "tool_use_id", "toolCallId", "toolUseId", "call_id", "id")
RESULT_KEYS = ("content", "output", "result", "response", "errorText")
_NAME_KEYS = ("name", "toolName", "tool_name", "tool")
_ARGUMENT_KEYS = ("arguments", "args", "input", "parameters", "params")
# A key that holds the whole call or result, where it does not stand in the part itself.
_CALL_WRAPPERS = ("function", "toolUse", "functionCall", "function_call")
_RESULT_WRAPPERS = ("toolResult", "functionResponse", "function_response")
_CALL_TYPES = frozenset({"tool_use", "server_tool_use", "mcp_tool_use", "tool-call", "tool_call", "function_call"})
_RESULT_TYPES = frozenset({"tool_result", "mcp_tool_result", "tool-result", "tool_call_output", "function_call_output"})
_FAILED = {"is_error": True, "isError": True, "status": "error", "state": "output-error"}


@dataclass(frozen=True, slots=True)
class ToolCall:
    """`arguments` is readable text, "" if there are none; `rest` is the part's remaining data."""

    name: str
    id: str
    arguments: str
    rest: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """`content` is what the tool returned, in any shape."""

    name: str
    id: str
    content: Any
    failed: bool
    rest: Mapping[str, Any]


def parse_call(part: Any) -> ToolCall | None:
    """A call, as an entry of a list of calls or as a part of a message; None if it has no name."""
    if not isinstance(part, Mapping):
        return None
    inner, outer = _unwrap(part, _CALL_WRAPPERS)
    name, given = first_key(inner, _NAME_KEYS), _argument_key(inner)
    if name is None or not isinstance(inner[name], str):
        return None
    found, inner, outer = _take_id(inner, outer)
    rest = merge_rests(without(outer, _usual_type(outer)), without(inner, {name, given, *_usual_type(inner)}))
    return ToolCall(inner[name], found, format_arguments(inner.get(given or "")), rest)


def is_call(part: Mapping[str, Any]) -> bool:
    """Whether a part says by its type or by a wrapping key that it is a call."""
    kind = type_of(part)
    return (
        kind in _CALL_TYPES
        or (kind.endswith("_call") and first_key(part, _NAME_KEYS) is not None)
        or any(isinstance(part.get(key), Mapping) for key in _CALL_WRAPPERS)
    )


def parse_result(part: Mapping[str, Any]) -> ToolResult | None:
    """A result, by its type or by a wrapping key; None for another part."""
    kind = type_of(part)
    inner, outer = _unwrap(part, _RESULT_WRAPPERS)
    if inner is part and kind not in _RESULT_TYPES and not kind.endswith("_call_output"):
        return None
    name, given = first_key(inner, _NAME_KEYS), first_key(inner, RESULT_KEYS)
    found, inner, outer = _take_id(inner, outer)
    failed = [key for key, value in _FAILED.items() if inner.get(key) == value]
    plain = [key for key in _FAILED if inner.get(key) in (False, "success", "output-available")]
    return ToolResult(
        name=str(inner[name]) if name else "",
        id=found,
        content=unwrap_output(inner[given]) if given else None,
        failed=bool(failed),
        rest=merge_rests(
            without(outer, _usual_type(outer)), without(inner, {name, given, *_usual_type(inner), *failed, *plain})
        ),
    )


def type_of(part: Mapping[str, Any]) -> str:
    """The part's `type`, "" if it has none."""
    kind = part.get("type")
    return kind if isinstance(kind, str) else ""


def _usual_type(part: Mapping[str, Any]) -> set[str]:
    """The key `type` if it says nothing beyond call or result."""
    kind = type_of(part)
    return {"type"} if kind in _CALL_TYPES | _RESULT_TYPES | {"function"} else set()


def split_used_tool(part: Mapping[str, Any]) -> tuple[Mapping[str, Any], ToolResult | None] | None:
    """The call, and the result if there is one, of a part that holds both, as the AI SDK has it; None for others."""
    kind, inner = type_of(part), part.get("toolInvocation")
    if isinstance(inner, Mapping):
        used, outer = inner, without(part, {"type", "toolInvocation"})
    elif (kind.startswith("tool-") or kind == "dynamic-tool") and "state" in part:
        used, outer = {"toolName": kind.removeprefix("tool-"), **without(part, {"type"})}, {}
    else:
        return None
    given = next((key for key in ("output", "result", "errorText") if key in used), None)
    call = merge_rests(outer, without(used, {given, "state"}))
    if given is None:
        return call | ({"state": used["state"]} if "state" in used else {}), None
    failed = used.get("state") == "output-error"
    return call, ToolResult("", "", unwrap_output(used[given]), failed=failed, rest={})


def unwrap_output(value: Any) -> Any:
    """The value of `{"type": "text", "value": ...}`, in which the AI SDK wraps a tool's output."""
    match value:
        case {"type": "text" | "json" | "error-text" | "error-json" | "content", "value": inner} if len(value) == 2:
            return inner
        case _:
            return value


def format_arguments(value: Any) -> str:
    """Arguments as readable JSON with the digits that were sent; a string that is not JSON is returned unchanged."""
    if not isinstance(value, str):
        return "" if value is None else _format_json(value)
    try:
        return _format_json(parse_sent(value, unique_keys=True))
    except (ValueError, RecursionError):
        return value


def first_key(entry: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    return next((key for key in keys if key in entry), None)


def without(entry: Mapping[str, Any], known: Iterable[str | None]) -> dict[str, Any]:
    taken = set(known)
    return {key: value for key, value in entry.items() if key not in taken}


def merge_rests(outer: Mapping[str, Any], inner: Mapping[str, Any]) -> dict[str, Any]:
    """What is left of a part and of the object in it; both are kept whole where they share a key."""
    return {**outer, **inner} if outer.keys().isdisjoint(inner) else {**inner, "…": dict(outer)}


def _unwrap(part: Mapping[str, Any], wrappers: Iterable[str]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The call or result itself and what stands around it, which is nothing if it is not wrapped."""
    wrapper = next((key for key in wrappers if isinstance(part.get(key), Mapping)), None)
    return (part, {}) if wrapper is None else (part[wrapper], without(part, {wrapper}))


def _argument_key(call: Mapping[str, Any]) -> str | None:
    """The first usual key with arguments, else the first that is there at all."""
    filled = next((key for key in _ARGUMENT_KEYS if call.get(key) not in (None, "", {})), None)
    return filled or first_key(call, _ARGUMENT_KEYS)


def _take_id(inner: Mapping[str, Any], outer: Mapping[str, Any]) -> tuple[str, Mapping[str, Any], Mapping[str, Any]]:
    """The id that links call and result, and the two mappings without it."""
    for key in ID_KEYS:
        if isinstance(inner.get(key), str | int):
            return str(inner[key]), without(inner, {key}), outer
        if isinstance(outer.get(key), str | int):
            return str(outer[key]), inner, without(outer, {key})
    return "", inner, outer


def _format_json(value: Any) -> str:
    line = format_compact_json(value)
    return line if len(line) <= ONE_LINE_CHARACTERS else format_json(value)
