"""msgspec's validation errors in plain words: where, what stands there, and what may stand there. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reviewqueue.kernel import sent_json
from reviewqueue.kernel.choices import guess_choice
from reviewqueue.kernel.json_pointer import format_pointer
from reviewqueue.kernel.sent_json import SentNumber

MAX_SHOWN_CHARACTERS = 60
MAX_SEARCHED_KEYS = 1000

_LOCATION = re.compile(r" - at (?P<key>`key` in )?`\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
_LIMIT = re.compile(r"Expected\s`(int|float|str|array)`(?:\sof\slength)?\s(>=|<=|>|<)\s(\S+)")
_TYPE = re.compile(r"Expected\s`([^`]*)`(?:,\sgot\s`([^`]*)`)?")
_TYPE_NAMES = {
    "str": gettext_lazy("text"),
    "int": gettext_lazy("a whole number"),
    "float": gettext_lazy("a number"),
    "bool": gettext_lazy("true or false"),
    "array": gettext_lazy("a list"),
    "object": gettext_lazy("a mapping with keys"),
    "null": gettext_lazy("null"),
}


@dataclass(frozen=True, slots=True)
class PlainError:
    """An error as a path of keys and places, and a sentence."""

    path: tuple[str | int, ...]
    detail: str

    @property
    def pointer(self) -> str:
        return format_pointer(self.path)


def explain_error(
    error: Exception,
    data: Any,
    *,
    root: type,
    convert: Callable[[Any], object],
    rules: Mapping[str, str] | None = None,
) -> PlainError:
    """What msgspec refused in `data`.

    root: the type it was to become. convert: the call that failed, to find the key where msgspec does not name it.
    rules: field name -> the sentence that stands for its pattern.
    """
    message = str(error)
    found = _LOCATION.search(message)
    sentence = message[: found.start()] if found else message
    path = _find_keys(_parse_path(found["path"]) if found else [], data, message, convert)
    if found and found["key"]:
        return PlainError(path, _describe_bad_key(_value_at(data, path)))
    if unknown := _UNKNOWN.fullmatch(sentence):
        return PlainError((*path, unknown[1]), _describe_unknown(unknown[1], _list_fields(root, path)))
    if missing := _MISSING.fullmatch(sentence):
        return PlainError(path, _("“%(name)s” is missing.") % {"name": missing[1]})
    return PlainError(path, _describe_value(sentence, _value_at(data, path), _rule_for(path, rules or {})))


def show_value(value: Any) -> str:
    """A value as people write it in a file: texts in quotation marks, long values cut."""
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return _("a mapping")
    if isinstance(value, list):
        return _("a list")
    text = value if isinstance(value, str) else _write_plain(value)
    shown = text if len(text) <= MAX_SHOWN_CHARACTERS else text[:MAX_SHOWN_CHARACTERS] + "…"
    return f"“{shown}”" if isinstance(value, str) else shown


def _write_plain(value: Any) -> str:
    """A number with the digits that were sent; what JSON does not have (YAML's dates, infinity) as Python writes it."""
    return sent_json.encode_sent(value) if isinstance(value, bool | SentNumber) else str(value)


def describe_unknown_key(name: str, known: Sequence[str]) -> str:
    """An unknown key, with the one that was probably meant or all that exist."""
    return _describe_unknown(name, known)


def _parse_path(path: str) -> list[str | int]:
    return [name or (int(place) if place.isdigit() else "...") for name, place in _STEP.findall(path)]


def _find_keys(
    path: Sequence[str | int], data: Any, message: str, convert: Callable[[Any], object]
) -> tuple[str | int, ...]:
    """The path with the keys of mappings, which msgspec leaves out: those whose value alone gives the same error."""
    known: list[str | int] = []
    for step in path:
        if step != "...":
            known.append(step)
            continue
        mapping = _value_at(data, known)
        if not isinstance(mapping, Mapping) or len(mapping) > MAX_SEARCHED_KEYS:
            return tuple(known)
        guilty = next((key for key in mapping if _fails_alone(data, known, key, message, convert)), None)
        if guilty is None:
            return tuple(known)
        known.append(guilty)
    return tuple(known)


def _fails_alone(
    data: Any, path: Sequence[str | int], key: Any, message: str, convert: Callable[[Any], object]
) -> bool:
    try:
        convert(_keep_only(data, path, key))
    except (msgspec.ValidationError, TypeError) as error:
        return str(error) == message
    return False


def _keep_only(data: Any, path: Sequence[str | int], key: Any) -> Any:
    """The data with nothing but one key in the mapping at `path`."""
    if not path:
        return {key: data[key]}
    step, *rest = path
    if isinstance(data, list):
        return [*data[: int(step)], _keep_only(data[int(step)], rest, key), *data[int(step) + 1 :]]
    return {**data, step: _keep_only(data[step], rest, key)}


def _value_at(data: Any, path: Sequence[str | int]) -> Any:
    found: Any = data
    for step in path:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            return None
    return found


def _list_fields(root: type, path: Sequence[str | int]) -> list[str]:
    """The fields of the struct at `path`, by the types on the way there."""
    here: msgspec.inspect.Type = msgspec.inspect.type_info(root)
    for step in path:
        here = _step_into(_without_null(here), step)
    here = _without_null(here)
    return [field.encode_name for field in here.fields] if isinstance(here, msgspec.inspect.StructType) else []


def _step_into(here: msgspec.inspect.Type, step: str | int) -> msgspec.inspect.Type:
    if isinstance(here, msgspec.inspect.StructType):
        return next((field.type for field in here.fields if field.encode_name == step), here)
    if isinstance(here, msgspec.inspect.ListType):
        return here.item_type
    return here.value_type if isinstance(here, msgspec.inspect.DictType) else here


def _without_null(here: msgspec.inspect.Type) -> msgspec.inspect.Type:
    if not isinstance(here, msgspec.inspect.UnionType):
        return here
    return next(one for one in here.types if not isinstance(one, msgspec.inspect.NoneType))


def _rule_for(path: Sequence[str | int], rules: Mapping[str, str]) -> str:
    return next((rules[step] for step in reversed(path) if isinstance(step, str) and step in rules), "")


def _describe_bad_key(mapping: Any) -> str:
    keys = [key for key in mapping if not isinstance(key, str)] if isinstance(mapping, Mapping) else []
    return _("A key must be text, not %(value)s. Put it in quotes.") % {
        "value": show_value(keys[0]) if keys else "null"
    }


def _describe_unknown(name: str, known: Sequence[str]) -> str:
    similar = guess_choice(name, known)
    if similar is not None:
        return _("Unknown key “%(name)s”. Did you mean “%(similar)s”?") % {"name": name, "similar": similar}
    return _("Unknown key “%(name)s”. Known keys: %(known)s.") % {"name": name, "known": ", ".join(known)}


def _describe_value(sentence: str, value: Any, rule: str) -> str:
    shown = show_value(value)
    if "matching regex" in sentence:
        return _("%(value)s is not allowed here. %(rule)s") % {"value": shown, "rule": rule}
    if sentence.startswith("Invalid enum value"):
        return _("%(value)s is not allowed here. %(rule)s") % {"value": shown, "rule": rule}
    if limit := _LIMIT.fullmatch(sentence):
        return _describe_limit(limit[1], limit[2], limit[3], shown)
    if kind := _TYPE.fullmatch(sentence):
        return _describe_type(kind[1], value, shown)
    return sentence[:1].upper() + sentence[1:] + ("" if sentence.endswith(".") else ".")


def _describe_limit(kind: str, symbol: str, bound: str, shown: str) -> str:
    least, number = symbol in {">=", ">"}, bound.removesuffix(".0")
    if kind in {"int", "float"}:
        text = {
            ">=": _("This must be at least %(limit)s, not %(value)s."),
            ">": _("This must be more than %(limit)s, not %(value)s."),
            "<=": _("This must be at most %(limit)s, not %(value)s."),
            "<": _("This must be less than %(limit)s, not %(value)s."),
        }[symbol]
        return text % {"limit": number, "value": shown}
    if least:
        return _("This must not be empty.")
    return _("This is too long: use at most %(limit)s characters.") % {"limit": number}


def _describe_type(wanted: str, value: Any, shown: str) -> str:
    names = _(" or ").join(str(_TYPE_NAMES.get(one, one)) for one in wanted.split(" | "))
    text = _("This must be %(wanted)s, not %(value)s.") % {"wanted": names, "value": shown}
    if "str" in wanted.split(" | ") and not isinstance(value, (str, Mapping, list, type(None))):
        text += " " + _("Put it in quotes: without them, YAML reads numbers, dates and words like yes, no, on and off.")
    return text
