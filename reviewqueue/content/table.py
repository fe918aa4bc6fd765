"""Tables: a list of mappings with common keys, or explicit columns and rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reviewqueue.content import limits
from reviewqueue.content.block import Block, build_data_block
from reviewqueue.content.plain import format_compact_json, format_plain
from reviewqueue.content.values import DisplayValue, build_display_value

# As much as a browser and a person can handle at once; the rest is shown below as data.
MAX_CELLS = 2_000
MAX_COLUMNS = 60
MIN_ROWS = 20
MAX_CELL_CHARACTERS = 90  # longer cells are collapsed
BRIEF_CELL_CHARACTERS = 16  # shorter cells are not broken over lines
_MAX_DECIMALS = 6  # numbers with at most so many decimals are aligned at the decimal point
_MIN_FILLED_SHARE = 0.5  # the share of cells that mappings must fill to be rows of one table
_MIN_SINGLE_VALUE_SHARE = 0.8  # the share of single values in a list that is shown as a table without being named one
_FIGURE = re.compile(r"[-+−(]?\s?[$€£¥]?\s?\d[\d.,'’\s\u00a0\u202f]*\s?(?:%|[$€£¥]|[A-Z]{3})?\)?")  # noqa: RUF001
_DECIMAL = re.compile(r"-?\d+(?:\.\d+)?")
_MISSING = object()


@dataclass(frozen=True, slots=True)
class TableCell:
    """`padding`: decimals that the number lacks to its column's most precise one. They take up space, unseen."""

    value: DisplayValue
    number: bool
    padding: str = ""

    @property
    def brief(self) -> bool:
        """Whether the cell is short (a code, a date, a number), so that it is not broken over lines."""
        return len(self.value.text) <= BRIEF_CELL_CHARACTERS


@dataclass(frozen=True, slots=True)
class TableColumn:
    name: str
    number: bool


@dataclass(frozen=True, slots=True)
class Table:
    """The first rows of a table. `total` counts all rows, `width` all columns.

    `whole` is every row as a line of JSON if not all are shown; `rest` is data that came with the table.
    """

    caption: str
    columns: Sequence[TableColumn]
    rows: Sequence[Sequence[TableCell]]
    total: int
    width: int
    whole: str = ""
    rest: Block | None = None


def parse_table(value: Any) -> Table | None:
    match value:
        case {"columns": [*columns], "rows": [*rows]} if columns:
            extra = {key: entry for key, entry in value.items() if key not in {"columns", "rows", "caption", "title"}}
            title = value.get("caption", value.get("title", ""))
            return _parse_columns(
                columns, rows, format_plain(title) if title else "", build_data_block(extra) if extra else None
            )
        case [Mapping(), *_] if all(isinstance(row, Mapping) for row in value):
            return _parse_mappings(value)
        case _:
            return None


def looks_like_table(value: Any) -> bool:
    """Whether a list that is not named a table is one: at least two mappings, mostly of single values."""
    if not isinstance(value, list) or len(value) < 2 or not all(isinstance(row, Mapping) for row in value):
        return False
    entries = [entry for row in value for entry in row.values()]
    return sum(not isinstance(entry, list | Mapping) for entry in entries) >= _MIN_SINGLE_VALUE_SHARE * len(entries)


def _parse_mappings(rows: Sequence[Mapping[str, Any]]) -> Table | None:
    """Mappings as rows; None if too many cells would be empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names or sum(len(row) for row in rows) < _MIN_FILLED_SHARE * len(rows) * len(names):
        return None
    kept = rows[: _max_rows(len(names))]
    if not _reserve_cells(len(kept), len(names)):
        return None
    return _build_table(names, [[row.get(name, _MISSING) for name in names[:MAX_COLUMNS]] for row in kept], rows)


def _parse_columns(columns: Sequence[Any], rows: Sequence[Any], caption: str, rest: Block | None) -> Table | None:
    """Named columns with rows as lists or mappings; None if a row is neither, or longer than the columns."""
    names = [_heading(column) for column in columns]
    keys = [column.get("key", column.get("name")) if isinstance(column, Mapping) else column for column in columns]
    known = frozenset(keys) if all(isinstance(key, str) for key in keys) else None
    if not all(_fits_columns(row, len(keys), known) for row in rows):
        return None
    kept = [_order_cells(row, keys)[:MAX_COLUMNS] for row in rows[: _max_rows(len(names))]]
    if not _reserve_cells(len(kept), len(names)):
        return None
    return _build_table(names, kept, rows, caption=caption, rest=rest)


def _heading(column: Any) -> str:
    if isinstance(column, Mapping):
        return format_plain(column.get("title", column.get("label", column.get("name", column))))
    return format_plain(column)


def _fits_columns(row: Any, width: int, known: frozenset[str] | None) -> bool:
    if isinstance(row, Mapping):
        return known is not None and row.keys() <= known
    return isinstance(row, list) and len(row) <= width


def _order_cells(row: Any, keys: Sequence[Any]) -> list[Any]:
    if isinstance(row, Mapping):
        return [row.get(key, _MISSING) for key in keys]
    return [*row, *[_MISSING] * (len(keys) - len(row))]


def _max_rows(columns: int) -> int:
    return max(MIN_ROWS, MAX_CELLS // min(columns, MAX_COLUMNS))


def _reserve_cells(rows: int, columns: int) -> bool:
    """Take the cells and a header row from the item's budget; False if they do not fit."""
    return limits.take_all_pieces((rows + 1) * min(columns, MAX_COLUMNS))


def _build_table(
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    every: Sequence[Any],
    *,
    caption: str = "",
    rest: Block | None = None,
) -> Table:
    values = [[_parse_cell(entry) for entry in row] for row in rows]
    columns = [[row[at] for row in values] for at in range(min(len(names), MAX_COLUMNS))]
    numeric = [_is_numeric(column) for column in columns]
    missing = [_missing_decimals(column) for column in columns]
    everything = len(rows) == len(every) and len(names) <= MAX_COLUMNS
    return Table(
        caption=caption,
        columns=[TableColumn(name, number) for name, number in zip(names, numeric, strict=False)],
        rows=[
            [TableCell(value, numeric[column], missing[column][row]) for column, value in enumerate(cells)]
            for row, cells in enumerate(values)
        ],
        total=len(every),
        width=len(names),
        whole="" if everything else "\n".join(format_compact_json(row) for row in every),
        rest=rest,
    )


def _parse_cell(entry: Any) -> DisplayValue:
    return DisplayValue("empty", "") if entry is _MISSING else build_display_value(entry, longest=MAX_CELL_CHARACTERS)


def _missing_decimals(column: Sequence[DisplayValue]) -> list[str]:
    """What each number of a column lacks to its most precise one, if all are plain decimals; else nothing."""
    numbers = [value.text for value in column if value.kind == "number"]
    places = max((len(text.partition(".")[2]) for text in numbers), default=0)
    if not 0 < places <= _MAX_DECIMALS or not all(_DECIMAL.fullmatch(text) for text in numbers):
        return [""] * len(column)
    return [_missing_tail(value.text, places) if value.kind == "number" else "" for value in column]


def _missing_tail(text: str, places: int) -> str:
    _, point, decimals = text.partition(".")
    return ("" if point else ".") + "0" * (places - len(decimals))


def _is_numeric(values: Sequence[DisplayValue]) -> bool:
    """Whether a column holds figures, also as text such as `1,204.50` or `12 %`, and nothing else."""
    filled = [value for value in values if value.kind != "empty"]
    return bool(filled) and all(
        value.kind == "number" or (value.kind == "text" and bool(_FIGURE.fullmatch(value.text))) for value in filled
    )
