"""Strict JSON parsing: reject everything that two parsers could interpret differently, and keep every digit."""

from __future__ import annotations

import codecs
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Never

from reviewqueue.kernel import sent_json
from reviewqueue.kernel.errors import Problem

MAX_JSON_DEPTH = 64
# As Python objects, a byte of JSON can take a hundred bytes: `[1,1,1,…]` of 8 MiB takes half a gigabyte.
MAX_JSON_VALUES = 250_000
# Everything up to and including the next separator outside strings, or a quote that opens a string without an end.
_UP_TO_SEPARATOR = re.compile(rb'(?:[^",\[{]++|"(?:[^"\\]++|\\.)*+")*+([,\[{"]|\Z)', re.DOTALL)
# Only bodies that contain one of these escapes can decode to a NUL or a lone surrogate.
_SUSPECT_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE_CHARACTERS = re.compile("[\0\ud800-\udfff]")


def parse_json(raw: bytes) -> Any:
    """Parse one JSON value, rejecting ambiguous input and text that PostgreSQL cannot store.

    Numbers keep their digits: see `sent_json`.

    Raises Problem 400 with one of these codes: `invalid_json` (bad UTF-8 or syntax, NaN, infinity), `duplicate_key`,
    `number_out_of_range` (beyond a double), `invalid_text` (NUL, lone surrogates), `too_deep` (more than 64 levels).
    Raises Problem 413 `too_many_values`.

    A byte order mark is skipped (RFC 8259, section 8.1): editors and spreadsheets on Windows write one.
    """
    raw = skip_byte_order_mark(raw)
    check_value_count(raw)
    try:
        value = _DECODER.decode(raw.decode())
    except UnicodeDecodeError as error:
        raise Problem(400, "invalid_json", f"Byte {error.start} is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise Problem(400, "invalid_json", _describe_syntax_error(error)) from None
    except RecursionError:
        raise _too_deep() from None
    # Too deep is possible only with that many opening brackets; counting them costs a tenth of walking the value.
    if raw.count(b"[") + raw.count(b"{") > MAX_JSON_DEPTH:
        _check_depth(value)
    if _SUSPECT_ESCAPE.search(raw):
        _check_text(value)
    return value


def check_value_count(raw: bytes) -> None:
    """Raise Problem 413 for JSON, or lines of it, with more than `MAX_JSON_VALUES` values, before they take memory."""
    if raw.count(b",") + raw.count(b"[") + raw.count(b"{") <= MAX_JSON_VALUES:
        return
    # Text is full of commas too; outside strings, there are at least as many values as separators.
    for number, found in enumerate(_UP_TO_SEPARATOR.finditer(raw)):
        if number == MAX_JSON_VALUES or found[1] == b'"':
            detail = f"The body has more than {MAX_JSON_VALUES:,} JSON values. Split it into several requests."
            raise Problem(413, "too_many_values", detail)


def _describe_syntax_error(error: json.JSONDecodeError) -> str:
    if not error.doc.strip():
        return "The body is empty. Send JSON."
    place = f"line {error.lineno}, column {error.colno}"
    return f"The JSON is malformed at {place}: {error.msg[:1].lower()}{error.msg[1:]}."


def skip_byte_order_mark(raw: bytes) -> bytes:
    """The text without the mark of UTF-8. Raises Problem 400 `invalid_json` for UTF-16 and UTF-32, with and without."""
    if raw.startswith(codecs.BOM_UTF8):
        return raw[len(codecs.BOM_UTF8) :]
    # JSON begins with ASCII, of which the wider encodings make a NUL beside the character; UTF-8 has none anywhere.
    wide = raw[:1] == b"\0" or raw[1:2] == raw[3:4] == b"\0"
    if wide or raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Problem(400, "invalid_json", "The body is not UTF-8 but looks like UTF-16 or UTF-32. Send it as UTF-8.")
    return raw


def _too_deep() -> Problem:
    return Problem(400, "too_deep", f"The JSON is nested more than {MAX_JSON_DEPTH} levels deep.")


def _reject_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        (duplicate, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise Problem(400, "duplicate_key", f"Duplicate key {_shorten(duplicate)} in an object.")
    return unique


def _reject_constant(name: str) -> Never:
    raise Problem(400, "invalid_json", f"{name} is not valid JSON.")


def _parse_float(text: str) -> float:
    number = sent_json.parse_float(text)
    if math.isinf(number):
        raise _out_of_range(text)
    return number


def _parse_int(text: str) -> float:
    if len(text) > 300 and math.isinf(float(text)):
        raise _out_of_range(text)
    return sent_json.parse_int(text)


def _out_of_range(text: str) -> Problem:
    return Problem(400, "number_out_of_range", f"The number {_shorten(text)} is too large for a double.")


def _shorten(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")


def _check_depth(value: Any) -> None:
    level: list[Any] = [value]
    for _ in range(MAX_JSON_DEPTH):
        level = [child for parent in level for child in _children(parent) if isinstance(child, (dict, list))]
        if not level:
            return
    raise _too_deep()


def _children(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _check_text(value: Any) -> None:
    for pointer, text in _iterate_strings(value, ""):
        if _UNSTORABLE_CHARACTERS.search(text):
            raise Problem(
                400,
                "invalid_text",
                "A string contains a NUL character or an unpaired surrogate. Remove it and try again.",
                errors=[{"pointer": pointer, "detail": "Contains a NUL character or an unpaired surrogate."}],
            )


def _iterate_strings(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """Yield every string in a decoded value, including keys, with its pointer."""
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _iterate_strings(child, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for key, child in value.items():
            yield pointer, key
            yield from _iterate_strings(child, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_reject_duplicate_keys,
    parse_constant=_reject_constant,
    parse_float=_parse_float,
    parse_int=_parse_int,
)
