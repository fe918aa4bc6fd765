"""The form encoding of a structured answer: field names, values as text, and back. Independent of the schema.

A field name is `<reader><blank><pointer>`, as in `number/total` or `text.null/lines/0/unit`. The reader says how to
parse the text, the JSON Pointer where the value belongs, and the blank what an empty field means: no value, `.null`
null, `.empty` the empty text. `list` and `group` are not inputs: they mark a list or an object at their pointer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from django.utils.translation import gettext as _

from reviewqueue.kernel import sent_json
from reviewqueue.kernel.errors import Invalid, Problem
from reviewqueue.kernel.json_pointer import split_pointer
from reviewqueue.kernel.strict_json import parse_json

type FieldType = Literal["text", "number", "flag", "date", "json", "list", "group"]
type EmptyMeaning = Literal["", ".null", ".empty"]
type PointerSteps = tuple[str, ...]

ABSENT: Any = object()  # no value at all, where null would be one
MAX_POINTER_STEPS = 12

_FIELD_NAME = re.compile(r"(text|number|flag|date|json|list|group)(\.null|\.empty)?(/.*)", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,400}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LIST_INDEX = re.compile(r"\d{1,6}", re.ASCII)


def build_field_name(reader: FieldType, pointer: str, blank: EmptyMeaning = "") -> str:
    """The form's name for the value at a pointer."""
    return f"{reader}{blank}{pointer}"


def extend_pointer(pointer: str, step: str | int) -> str:
    """The pointer to a member or list index below `pointer`."""
    return f"{pointer}/" + str(step).replace("~", "~0").replace("/", "~1")


def format_value(reader: FieldType, value: Any) -> str:
    """A value as the field shows it; "" for no value."""
    if value is ABSENT or (value is None and reader != "json"):
        return ""
    if reader in {"text", "date"}:
        return str(value)
    return sent_json.indent_sent(value, indent=2)


def is_date(value: Any) -> bool:
    """Whether the value is a date written as `2026-11-23`."""
    try:
        return isinstance(value, str) and bool(_DATE.fullmatch(value)) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def is_lossless_text(value: str) -> bool:
    """Whether a form returns this text unchanged: forms rewrite line ends, and blank texts count as empty."""
    return "\r" not in value and (not value or bool(value.strip()))


def is_valid_member_name(member: str) -> bool:
    """Whether a member name can be part of a field name: forms rewrite line ends there, too."""
    return "\r" not in member and "\n" not in member


def is_field_name(posted: str) -> bool:
    """Whether a posted name belongs to a structured answer."""
    return _FIELD_NAME.fullmatch(posted) is not None


def count_list_entries(posted: Iterable[str], pointer: str) -> int:
    """The number of entries that the posted names have in the list at `pointer`."""
    at = split_pointer(pointer)
    found = (found for found in map(_FIELD_NAME.fullmatch, posted) if found)
    inside = (parts for parts in (split_pointer(match[3]) for match in found) if parts[: len(at)] == at)
    numbers = [
        int(parts[len(at)]) for parts in inside if len(parts) > len(at) and _LIST_INDEX.fullmatch(parts[len(at)])
    ]
    return max(numbers, default=-1) + 1


def parse_answer(posted: Mapping[str, str]) -> dict[str, Any]:
    """The object that the posted fields make up; Invalid, with the pointers, if some cannot be parsed.

    Empty lines of lists are left out.
    """
    tree = _FormNode()
    lists: set[PointerSteps] = set()
    filled: set[PointerSteps] = set()  # the paths of filled-in fields and of everything that contains them
    errors: list[dict[str, str]] = []
    for field, entered in posted.items():
        reader, blank, pointer = _split_field_name(field)
        path = split_pointer(pointer)
        if reader == "list":
            lists.add(path)
        try:
            value = _parse_value(reader, blank, entered)
        except ValueError:
            errors.append({"pointer": f"/answer{pointer}", "detail": _ERROR_MESSAGES[reader]()})
            continue
        if value is not ABSENT:
            _insert_value(tree, path, value)
        if entered.strip():
            filled.update(path[:length] for length in range(1, len(path) + 1))
    if errors:
        raise Invalid(_("Some fields have invalid values. Correct them and try again."), errors)
    answer: dict[str, Any] = _build_value(tree, (), lists, filled)
    return answer


class _FormNode(dict[str, Any]):
    """The form's fields below a pointer; a plain dict is a value entered as JSON."""


def _split_field_name(field: str) -> tuple[str, str, str]:
    match = _FIELD_NAME.fullmatch(field)
    if match is None or match[3].count("/") > MAX_POINTER_STEPS:
        raise Invalid(_("The form has an unexpected field. Reload the page and try again."))
    return match[1], match[2] or "", match[3]


def _parse_value(reader: str, blank: str, entered: str) -> Any:
    if reader in {"list", "group"}:
        return {"": ABSENT, ".null": None}.get(blank, _FormNode())
    if entered.strip():
        return _PARSERS[reader](entered)
    return {"": ABSENT, ".null": None}.get(blank, "")


def _insert_value(tree: _FormNode, path: PointerSteps, value: Any) -> None:
    node = tree
    for step in path[:-1]:
        inner = node.get(step)
        if inner is None:  # missing, or null while nothing is filled in
            inner = node[step] = _FormNode()
        if not isinstance(inner, _FormNode):
            raise Invalid(_("The form has an unexpected field. Reload the page and try again."))
        node = inner
    if isinstance(node.get(path[-1]), _FormNode):
        if value is None or isinstance(value, _FormNode):  # the container's marker, posted after its members
            return
        raise Invalid(_("The form has an unexpected field. Reload the page and try again."))
    node[path[-1]] = value


def _build_value(node: Any, path: PointerSteps, lists: set[PointerSteps], filled: set[PointerSteps]) -> Any:
    if not isinstance(node, _FormNode):
        return node
    grown = {step: _build_value(inner, (*path, step), lists, filled) for step, inner in node.items()}
    if path not in lists:
        return grown
    if not all(_LIST_INDEX.fullmatch(step) for step in grown):
        raise Invalid(_("The form has an unexpected field. Reload the page and try again."))
    return [grown[step] for step in sorted(grown, key=int) if (*path, step) in filled]


def _parse_text(entered: str) -> str:
    if "\0" in entered:
        raise ValueError(entered)
    return entered.replace("\r\n", "\n")  # forms send every line end as CRLF


def _parse_number(entered: str) -> int | float:
    """A number in the range of a double, digit for digit; `+1`, `.5` and `007` as JSON writes them."""
    text = entered.strip()
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise ValueError(entered)
    as_json = _JSON_NUMBER.fullmatch(text) is not None
    if _INTEGER.fullmatch(text):
        return sent_json.parse_int(text) if as_json else int(text)
    return sent_json.parse_float(text if as_json else str(Decimal(text)))


def _parse_flag(entered: str) -> bool:
    if entered not in {"true", "false"}:
        raise ValueError(entered)
    return entered == "true"


def _parse_date(entered: str) -> str:
    if not is_date(entered.strip()):
        raise ValueError(entered)
    return entered.strip()


def parse_json_value(entered: str) -> Any:
    """Parse a text as JSON; ValueError if it is invalid or cannot be stored."""
    try:
        return parse_json(entered.encode())
    except (Problem, UnicodeEncodeError) as problem:
        raise ValueError(entered) from problem


_PARSERS: dict[str, Callable[[str], Any]] = {
    "text": _parse_text,
    "number": _parse_number,
    "flag": _parse_flag,
    "date": _parse_date,
    "json": parse_json_value,
}
_ERROR_MESSAGES: dict[str, Callable[[], str]] = {
    "text": lambda: _("Contains an invalid character (U+0000). Remove it."),
    "number": lambda: _("Enter a number."),
    "flag": lambda: _("Choose yes or no."),
    "date": lambda: _("Enter a date as YYYY-MM-DD, such as 2026-11-23."),
    "json": lambda: _("Enter valid JSON."),
}
