"""A form as its names and values; what is nested stands in groups, rows as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import ngettext

from reviewqueue.content import limits, table
from reviewqueue.content.block import Block, as_data
from reviewqueue.content.values import Value, shown
from reviewqueue.kernel import locale_format

MOST_FIELDS = 300  # of one form or group; the others stand below as data
DEEPEST = 3  # groups in groups; deeper is data
LONGEST = 600  # characters


@dataclass(frozen=True, slots=True)
class Field:
    """One of `value`, `group` and `block` is what stands beside the name."""

    name: str
    value: Value | None = None
    group: Sequence[Field] = ()
    block: Block | None = None


def read(value: Any) -> list[Field] | None:
    return _fields(value, depth=0) if isinstance(value, Mapping) and value else None


def _fields(value: Mapping[str, Any], *, depth: int) -> list[Field]:
    entries = list(value.items())
    room = limits.some(min(len(entries), MOST_FIELDS))
    shown_first = [_field(str(name), entry, depth) for name, entry in entries[:room]]
    rest = dict(entries[room:])
    return [*shown_first, Field(_more(len(rest)), block=as_data(rest))] if rest else shown_first


def _more(count: int) -> str:
    return ngettext("%(count)s more field", "%(count)s more fields", count) % {
        "count": locale_format.number(count, grouped=True)
    }


def _field(name: str, entry: Any, depth: int) -> Field:
    if isinstance(entry, Mapping) and entry and depth < DEEPEST:
        return Field(name, group=_fields(entry, depth=depth + 1))
    if table.reads_as_rows(entry) and (rows := table.read(entry)) is not None:
        return Field(name, block=Block("table", rows, name))
    if _is_deep(entry):
        return Field(name, block=as_data(entry, name))
    return Field(name, value=shown(entry, longest=LONGEST))


def _is_deep(entry: Any) -> bool:
    if isinstance(entry, list):
        return any(isinstance(one, list | Mapping) for one in entry)
    return isinstance(entry, Mapping) and bool(entry)
