"""A form as names and values; nested objects are groups, rows a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import ngettext

from reviewqueue.content import limits, table
from reviewqueue.content.block import Block, build_data_block
from reviewqueue.content.values import DisplayValue, build_display_value
from reviewqueue.kernel import locale_format

MAX_FIELDS = 300  # fields in one form or group; the others are shown as data
MAX_GROUP_LEVELS = 3  # nesting of groups; deeper values are shown as data
MAX_VALUE_CHARACTERS = 600  # longer values are collapsed


@dataclass(frozen=True, slots=True)
class ContentField:
    """A name with exactly one of `value`, `group` and `block`."""

    name: str
    value: DisplayValue | None = None
    group: Sequence[ContentField] = ()
    block: Block | None = None


def parse_fields(value: Any) -> list[ContentField] | None:
    return _parse_group(value, depth=0) if isinstance(value, Mapping) and value else None


def _parse_group(value: Mapping[str, Any], *, depth: int) -> list[ContentField]:
    entries = list(value.items())
    room = limits.take_pieces(min(len(entries), MAX_FIELDS))
    shown_first = [_parse_field(str(name), entry, depth) for name, entry in entries[:room]]
    rest = dict(entries[room:])
    return [*shown_first, ContentField(_more_label(len(rest)), block=build_data_block(rest))] if rest else shown_first


def _more_label(count: int) -> str:
    return ngettext("%(count)s more field", "%(count)s more fields", count) % {
        "count": locale_format.format_number(count, grouped=True)
    }


def _parse_field(name: str, entry: Any, depth: int) -> ContentField:
    if isinstance(entry, Mapping) and entry and depth < MAX_GROUP_LEVELS:
        return ContentField(name, group=_parse_group(entry, depth=depth + 1))
    if table.looks_like_table(entry) and (rows := table.parse_table(entry)) is not None:
        return ContentField(name, block=Block("table", rows, name))
    if _is_deep(entry):
        return ContentField(name, block=build_data_block(entry, name))
    return ContentField(name, value=build_display_value(entry, longest=MAX_VALUE_CHARACTERS))


def _is_deep(entry: Any) -> bool:
    if isinstance(entry, list):
        return any(isinstance(one, list | Mapping) for one in entry)
    return isinstance(entry, Mapping) and bool(entry)
