"""Convert decoded JSON to a typed structure; what does not fit is named with its place, value and rule. Pure.

msgspec stops at the first problem and speaks of types. Where it refuses, this module looks at the value again, field by
field, and collects every problem as a sentence that its sender can act on. Only refused input pays for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec
from msgspec import inspect

from reviewqueue.kernel.choices import describe_mismatch, describe_value, guess_choice, list_choices, shorten_text
from reviewqueue.kernel.errors import Invalid
from reviewqueue.kernel.json_pointer import format_pointer
from reviewqueue.kernel.sent_json import SentNumber

MAX_ERRORS = 10

type Path = tuple[str | int, ...]
type FieldRules = Mapping[str, str]


def convert_input[T: msgspec.Struct](
    value: Any,
    to: type[T],
    *,
    subject: str,
    kind: str = "field",
    rules: FieldRules | None = None,
    strict: bool = True,
) -> T:
    """The value as `to`. Raises Invalid with one error per problem, at most `MAX_ERRORS`.

    subject: what the value is, such as "output". kind: what its parts are. rules: what a field must be, where its type
    does not say it well; completes "`field` must be ...". strict: False reads numbers from text, as in a query string.
    """
    try:
        return msgspec.convert(with_plain_numbers(value, to), to, strict=strict)
    except msgspec.ValidationError as refusal:
        if not isinstance(value, dict):
            sentence = f"the {subject} must be a JSON object (got {describe_value(value)})"
            raise build_invalid_input(subject, [("", sentence)]) from refusal
        found = list(islice(_find_problems(value, to, kind, rules or {}, strict), MAX_ERRORS))
        raise build_invalid_input(subject, found or [("", str(refusal))]) from refusal


def build_invalid_input(subject: str, problems: list[tuple[str, str]]) -> Invalid:
    """The error for these problems: pairs of a pointer and a sentence without its full stop."""
    first, more = problems[0][1], len(problems) - 1
    sentence = f"Invalid {subject}: {first}{'' if first.endswith('?') else '.'}"
    if more:
        sentence += f" {more} more {'problem' if more == 1 else 'problems'} in `errors`."
    return Invalid(sentence, [{"pointer": pointer, "detail": detail} for pointer, detail in problems])


def describe_missing(name: str) -> str:
    return f"`{name}` is required"


def describe_unknown(name: str, known: Mapping[str, Any], *, kind: str = "field") -> str:
    """An unknown name: the one that was probably meant, otherwise all that exist."""
    meant = guess_choice(name, known)
    hint = f"did you mean `{meant}`?" if meant else f"known are {list_choices(known)}" if known else "none is allowed"
    return f"unknown {kind} `{shorten_text(name)}`; {hint}"


def with_plain_numbers(value: Any, to: type[msgspec.Struct]) -> Any:
    """Numbers that are calculated with, as plain floats; where anything may stand, digits stay as they were sent."""
    if not isinstance(value, dict):
        return value
    typed, mappings = _list_typed(to)
    plain: dict[str, Any] = {name: float(value[name]) for name in typed if isinstance(value.get(name), SentNumber)}
    for name in mappings:
        if isinstance(entries := value.get(name), dict):
            plain[name] = {key: float(one) if isinstance(one, SentNumber) else one for key, one in entries.items()}
    return value | plain


@lru_cache(maxsize=64)
def _list_typed(to: type[msgspec.Struct]) -> tuple[list[str], list[str]]:
    """Fields with a type of their own, and those that are mappings of numbers.

    msgspec evaluates all annotations anew each time it is asked for them.
    """
    fields = _describe_type(to).fields
    typed = [one.encode_name for one in fields if not isinstance(one.type, inspect.AnyType)]
    return typed, [
        one.encode_name for one in fields if isinstance(_plain_type(_entry_type({}, one.type)), inspect.FloatType)
    ]


def _plain_type(wanted: inspect.Type | None) -> inspect.Type | None:
    return wanted.type if isinstance(wanted, inspect.Metadata) else wanted


def _find_problems(
    value: dict[str, Any], to: type[msgspec.Struct], kind: str, rules: FieldRules, strict: bool
) -> Iterator[tuple[str, str]]:
    known = {one.encode_name: one for one in _describe_type(to).fields}
    for name in value:
        if name not in known:
            yield format_pointer([name]), describe_unknown(name, known, kind=kind)
    for name, one in known.items():
        if name not in value:
            if one.required:
                yield format_pointer([name]), describe_missing(name)
        elif not _fits(to, name, value[name], strict):
            path, wrong, wanted = _locate_problem(to, name, value[name], one.type, strict)
            yield format_pointer(path), _describe_problem(path, wrong, wanted, rules)


def _locate_problem(
    to: type[msgspec.Struct], name: str, value: Any, wanted: inspect.Type, strict: bool
) -> tuple[Path, Any, inspect.Type]:
    """The innermost value that does not fit: the entry of an object or a list, where only that is wrong."""
    entries = _entry_type(value, wanted)
    if entries is not None and _fits(to, name, type(value)(), strict):
        for step, entry in value.items() if isinstance(value, dict) else enumerate(value):
            if not _fits(to, name, {step: entry} if isinstance(value, dict) else [entry], strict):
                return (name, step), entry, entries
    return (name,), value, wanted


def _entry_type(value: Any, wanted: inspect.Type) -> inspect.Type | None:
    wanted = wanted.type if isinstance(wanted, inspect.Metadata) else wanted
    for one in wanted.types if isinstance(wanted, inspect.UnionType) else (wanted,):
        if isinstance(value, dict) and isinstance(one, inspect.DictType):
            return one.value_type
        if isinstance(value, list) and isinstance(one, inspect.ListType):
            return one.item_type
    return None


def _describe_problem(path: Path, value: Any, wanted: inspect.Type, rules: FieldRules) -> str:
    rule = rules.get(str(path[0])) if len(path) == 1 else rules.get(f"{path[0]}/*")
    choices = _list_options(wanted)
    got = describe_mismatch(value, choices) if choices else f"got {describe_value(value)}"
    return f"`{'/'.join(map(str, path))}` must be {rule or describe_rule(wanted)} ({got})"


def describe_rule(wanted: inspect.Type) -> str:
    """What a value of this type is, to complete "must be ..."."""
    match wanted:
        case inspect.Metadata():
            return describe_rule(wanted.type)
        case inspect.UnionType():
            parts = [describe_rule(one) for one in wanted.types]
            parts.sort(key=lambda part: part == "null")
            return " or ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)
        case inspect.IntType() | inspect.FloatType():
            noun = "whole number" if isinstance(wanted, inspect.IntType) else "number"
            return f"a {noun}{_describe_range(wanted.ge, wanted.le)}"
        case inspect.StrType():
            return f"a string{_describe_length(wanted.min_length, wanted.max_length, 'characters')}"
        case inspect.ListType():
            return f"a list{_describe_length(wanted.min_length, wanted.max_length, 'entries')}"
        case inspect.DictType() | inspect.StructType():
            most = wanted.max_length if isinstance(wanted, inspect.DictType) else None
            return f"an object{_describe_length(None, most, 'entries')}"
        case inspect.EnumType() | inspect.LiteralType():
            return f"one of {list_choices(_list_options(wanted))}"
    return _PLAIN_RULES.get(type(wanted), "something else")


_PLAIN_RULES: dict[type, str] = {
    inspect.BoolType: "true or false",
    inspect.NoneType: "null",
    inspect.DateTimeType: "an RFC 3339 date and time with a UTC offset",
    inspect.DateType: "a date such as 2026-11-23",
}


def _list_options(wanted: inspect.Type) -> list[str]:
    match wanted:
        case inspect.Metadata():
            return _list_options(wanted.type)
        case inspect.UnionType():
            return [option for one in wanted.types for option in _list_options(one)]
        case inspect.EnumType():
            return [str(one.value) for one in wanted.cls]
        case inspect.LiteralType():
            return [str(one) for one in wanted.values]
    return []


def _describe_range(least: float | None, most: float | None) -> str:
    if least is None and most is None:
        return ""
    if most is None:
        return f" of at least {least:g}"
    return f" of at most {most:g}" if least is None else f" from {least:g} to {most:g}"


def _describe_length(least: int | None, most: int | None, unit: str) -> str:
    if most is None:
        return f" of at least {least} {unit}" if least else ""
    return f" of {least} to {most} {unit}" if least else f" of at most {most} {unit}"


def _fits(to: type[msgspec.Struct], name: str, value: Any, strict: bool) -> bool:
    """Whether the value is valid for this field alone."""
    try:
        single = _single_field(to, name)
        msgspec.convert(with_plain_numbers({name: value}, single), single, strict=strict)
    except msgspec.ValidationError:
        return False
    return True


@lru_cache(maxsize=256)
def _single_field(to: type[msgspec.Struct], name: str) -> type[msgspec.Struct]:
    (kind,) = (one.type for one in msgspec.structs.fields(to) if one.encode_name == name)
    return msgspec.defstruct("Single", [("field", kind)], rename=lambda _: name)


@lru_cache(maxsize=64)
def _describe_type(to: type[msgspec.Struct]) -> inspect.StructType:
    described = inspect.type_info(to)
    assert isinstance(described, inspect.StructType)
    return described
