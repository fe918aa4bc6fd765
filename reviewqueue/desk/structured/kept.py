"""The part of a structured answer that a review does not ask for, to read beside the asked fields. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from reviewqueue import content
from reviewqueue.answers import json_schema
from reviewqueue.answers.json_schema import FieldShape
from reviewqueue.content import WHOLE_INPUT, Block
from reviewqueue.desk.structured import codec
from reviewqueue.desk.structured.layout import label_for

MAX_OPEN_FIELDS = 6  # with more, they are folded at first


@dataclass(frozen=True)
class KeptFields:
    """The other fields as blocks of content, and how many there are."""

    blocks: list[Block]
    count: int

    @property
    def is_open(self) -> bool:
        return self.count <= MAX_OPEN_FIELDS


def build_kept_fields(kept: Mapping[str, Any], *, schema: Mapping[str, Any], asked: list[str]) -> KeptFields | None:
    """The fields in the schema's order, under the labels that a form gives them; None if there are none.

    A field that the model left out is shown as empty.
    """
    labelled = _label_members(kept, json_schema.parse_shape(schema, schema), schema, "", frozenset(asked))
    if not labelled:
        return None
    return KeptFields(content.build_blocks(labelled, {WHOLE_INPUT: "fields"}), _count_leaves(labelled))


def _label_members(
    values: Mapping[str, Any], shape: FieldShape, root: Mapping[str, Any], pointer: str, asked: frozenset[str]
) -> dict[str, Any]:
    labelled: dict[str, Any] = {}
    for name in dict.fromkeys([*shape.properties, *values]):
        at = codec.extend_pointer(pointer, name)
        has_asked = any(one.startswith(f"{at}/") for one in asked)
        if at in asked or (has_asked and name not in values):
            continue
        inner, value = json_schema.parse_shape(shape.properties.get(name), root), values.get(name)
        label = label_for(inner, name)
        shown = _show_value(value, inner, root, at, asked)
        labelled[label if label not in labelled else f"{label} ({name})"] = shown
    return labelled


def _show_value(value: Any, shape: FieldShape, root: Mapping[str, Any], at: str, asked: frozenset[str]) -> Any:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Mapping) and shape.kind == "group":
        return _label_members(value, shape, root, at, asked)
    return value


def _count_leaves(labelled: Any) -> int:
    if isinstance(labelled, Mapping) and labelled:
        return sum(_count_leaves(value) for value in labelled.values())
    return 1
