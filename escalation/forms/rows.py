"""Lists and mappings as rows of inputs: what is shown reads back as what is stored, row by row.

Inputs are named `NAME-INDEX-COLUMN`; a column may hold rows itself (`rules-0-conditions-1-operator`). `rows.js` adds
and removes rows; without JavaScript there is one spare row, and an emptied row is a removed one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from escalation.forms import text_values
from escalation.forms.text_values import InvalidText

# The texts of a row by column; for a column with rows of its own, a list of those.
type Row = dict[str, Any]
type FrozenRow = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One input of a row. `label` is its accessible name, `before` a word in front of it.

    suggestions: the id of a `datalist`. choices: the options of a select; the first one is the default. rows: the
    column holds rows of this layout.
    """

    name: str
    label: Any
    kind: Literal["text", "number", "percent", "select", "rows"] = "text"
    before: Any = ""
    placeholder: Any = ""
    suggestions: str = ""
    choices: Sequence[tuple[str, Any]] = ()
    rows: RowLayout | None = None


@dataclass(frozen=True, slots=True)
class RowLayout:
    """The columns of a list's rows, and what its button to add one says."""

    columns: tuple[Column, ...]
    add: Any


@dataclass(frozen=True, slots=True)
class RowCodec[Value, Item]:
    """How a value becomes rows and rows become a value, item by item.

    split: the items of a value. join: their inverse; raises InvalidText for items that cannot stand together. write: an
    item as a row of texts. read: its inverse; raises InvalidText.
    """

    split: Callable[[Value], Iterable[Item]]
    join: Callable[[Sequence[Item]], Value]
    write: Callable[[Item], Row]
    read: Callable[[Row], Item]

    def write_rows(self, value: Value) -> list[Row]:
        return [self.write(item) for item in self.split(value)]


class RowsWidget(forms.Widget):
    """Rows of inputs in one list."""

    use_fieldset = True
    use_rows = True

    def __init__(self, layout: RowLayout) -> None:
        super().__init__()
        self.layout = layout

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> list[Row]:
        return _list_rows(_collect_inputs(data, name), self.layout)

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return False  # a list without rows posts nothing

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        return render_to_string("escalation/partials/rows.html", {"list": _build_list(name, value or [], self.layout)})


class RowsField(forms.Field):
    """A list or mapping, edited in rows. Its initial value is a list of rows, its clean value that of the codec."""

    widget: RowsWidget

    def __init__(self, *, layout: RowLayout, codec: RowCodec[Any, Any], **kwargs: Any) -> None:
        super().__init__(required=False, widget=RowsWidget(layout), **kwargs)
        self.layout, self.codec = layout, codec
        self._kept: dict[FrozenRow, Any] = {}

    def keep(self, value: Any) -> None:
        """Keep the items of a stored value whose rows come back as they were shown, whatever their texts look like."""
        self._kept = {_freeze(self.codec.write(item), self.layout): item for item in self.codec.split(value)}

    def clean(self, value: Any) -> Any:
        try:
            return self.codec.join([self._read(number, row) for number, row in enumerate(self._filled(value), start=1)])
        except InvalidText as error:
            raise forms.ValidationError(str(error), code="rows") from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        return [_freeze(row, self.layout) for row in initial or []] != [
            _freeze(row, self.layout) for row in self._filled(data)
        ]

    def _filled(self, rows: Any) -> list[Row]:
        return [row for row in rows or [] if not _is_blank(row, self.layout)]

    def _read(self, number: int, row: Row) -> Any:
        frozen = _freeze(row, self.layout)
        if frozen in self._kept:
            return self._kept[frozen]
        try:
            _check_storable(frozen)
            return self.codec.read(row)
        except InvalidText as error:
            raise InvalidText(_("Row %(number)s: %(error)s") % {"number": number, "error": error}) from error


def filled_rows(rows: Iterable[Row], layout: RowLayout) -> list[Row]:
    """The rows in which anything was entered."""
    return [row for row in rows if not _is_blank(row, layout)]


def join_unique[K, V](items: Sequence[tuple[K, V]]) -> dict[K, V]:
    """Items as a mapping. Raises InvalidText for a name that is listed twice, as one of its values would be lost."""
    found: dict[K, V] = {}
    for name, value in items:
        if name in found:
            raise InvalidText(_("“%(name)s” is listed twice. Remove one of the rows.") % {"name": _show_name(name)})
        found[name] = value
    return found


def _check_storable(frozen: FrozenRow) -> None:
    for text in frozen:
        if isinstance(text, tuple):
            _check_storable(text)
        elif not text_values.is_storable(text):
            raise InvalidText(_("A text contains a character that cannot be stored. Remove it."))


def _show_name(name: Any) -> str:
    return " → ".join(name) if isinstance(name, tuple) else str(name)


def _collect_inputs(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The posted inputs of a list as a tree: index, column, index ..."""
    tree: dict[str, Any] = {}
    for key in data:
        if not key.startswith(f"{name}-"):
            continue
        *path, last = key.removeprefix(f"{name}-").split("-")
        node: Any = tree
        for step in path:
            node = node.setdefault(step, {}) if isinstance(node, dict) else None
        if isinstance(node, dict):
            node[last] = data[key]
    return tree


def _list_rows(tree: Any, layout: RowLayout) -> list[Row]:
    rows = tree if isinstance(tree, dict) else {}
    indices = sorted((index for index in rows if index.isdecimal() and index.isascii()), key=int)
    return [_read_row(rows[index], layout) for index in indices if isinstance(rows[index], dict)]


def _read_row(inputs: Mapping[str, Any], layout: RowLayout) -> Row:
    return {column.name: _read_column(inputs.get(column.name), column) for column in layout.columns}


def _read_column(value: Any, column: Column) -> Any:
    if column.rows is not None:
        return _list_rows(value, column.rows)
    return value if isinstance(value, str) else ""


def _is_blank(row: Row, layout: RowLayout) -> bool:
    """Whether nothing was entered in a row; a select always has a value."""
    return all(
        all(_is_blank(inner, column.rows) for inner in row.get(column.name) or [])
        if column.rows is not None
        else column.kind == "select" or not row.get(column.name)
        for column in layout.columns
    )


def _freeze(row: Row, layout: RowLayout) -> FrozenRow:
    """A row to compare with others; without line breaks, which a text input leaves out."""
    return tuple(
        tuple(_freeze(inner, column.rows) for inner in filled_rows(row.get(column.name) or [], column.rows))
        if column.rows is not None
        else str(row.get(column.name) or "").replace("\r", "").replace("\n", "")
        for column in layout.columns
    )


def _build_list(name: str, rows: Sequence[Row], layout: RowLayout) -> dict[str, Any]:
    """What the template needs: the rows shown, a spare one, and a blank one whose index is a placeholder."""
    placeholder = f"__{name.rpartition('-')[2]}__"
    return {
        "add": layout.add,
        "next": len(rows) + 1,
        "placeholder": placeholder,
        "rows": [_build_cells(f"{name}-{index}", row, layout) for index, row in enumerate(rows)],
        "spare": _build_cells(f"{name}-{len(rows)}", {}, layout),
        "blank": _build_cells(f"{name}-{placeholder}", {}, layout),
    }


def _build_cells(prefix: str, row: Row, layout: RowLayout) -> list[dict[str, Any]]:
    return [_build_cell(f"{prefix}-{column.name}", row.get(column.name), column) for column in layout.columns]


def _build_cell(name: str, value: Any, column: Column) -> dict[str, Any]:
    if column.rows is not None:
        # At least one row; a spare one for pages without JavaScript cannot stand in the one of the outer list.
        return {"column": column, "list": _build_list(name, value or [{}], column.rows) | {"spare": None}}
    return {"column": column, "name": name, "value": value or ""}
