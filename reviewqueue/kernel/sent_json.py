"""JSON whose numbers keep the digits they were sent with. Pure.

A person approves what they see, so `1.10` must not become `1.1`, nor 12345678901234567.89 be rounded to a double.
Everything that is read to be shown is parsed here.
"""

from __future__ import annotations

import json
from typing import Any, Never

import msgspec

_MAX_INT_DIGITS = 4_000  # Python refuses to convert longer ones


class SentNumber(float):
    """A number as it was written, `literal`, where Python would write it differently. It computes as a float."""

    __slots__ = ("literal",)
    literal: str

    def __new__(cls, literal: str) -> SentNumber:
        number = super().__new__(cls, literal)
        number.literal = literal
        return number

    def __repr__(self) -> str:
        return self.literal

    __str__ = __repr__


def parse_sent(text: str, *, unique_keys: bool = False) -> Any:
    """Parse JSON and keep the literal of every number. Raises ValueError, also for NaN and infinity.

    With `unique_keys`, also for an object with a key twice, because one value would hide the other.
    """
    return (_UNIQUE_DECODER if unique_keys else _DECODER).decode(text)


def parse_float(literal: str) -> float:
    value = float(literal)
    return value if repr(value) == literal and "e" not in literal else SentNumber(literal)


def encode_sent(value: Any, *, sort_keys: bool = False) -> str:
    """Compact JSON with the literals as they were sent. Raises RecursionError for extremely deep values."""
    return msgspec.json.encode(value, enc_hook=encode_number, order="sorted" if sort_keys else None).decode()


def indent_sent(value: Any, *, indent: int) -> str:
    """The same with blanks: on one line with an indent of 0."""
    return msgspec.json.format(encode_sent(value), indent=indent)


def encode_number(value: Any) -> msgspec.Raw:
    """The `enc_hook` for msgspec of values that may hold such numbers."""
    if isinstance(value, SentNumber):
        return msgspec.Raw(value.literal.encode())
    raise NotImplementedError(type(value).__name__)


def parse_int(literal: str) -> int | float:
    return SentNumber(literal) if literal == "-0" or len(literal) > _MAX_INT_DIGITS else int(literal)


def _refuse_constant(name: str) -> Never:
    raise ValueError(name)


def _refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("repeated key")
    return found


_DECODER = json.JSONDecoder(parse_float=parse_float, parse_int=parse_int, parse_constant=_refuse_constant)
_UNIQUE_DECODER = json.JSONDecoder(
    object_pairs_hook=_refuse_repeated_keys,
    parse_float=parse_float,
    parse_int=parse_int,
    parse_constant=_refuse_constant,
)
