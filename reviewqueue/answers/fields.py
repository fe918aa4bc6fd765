"""The fields of answers that are objects: the leaves of their schema, each list as one field. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from reviewqueue.answers import json_schema
from reviewqueue.answers.json_schema import FieldShape, SchemaRules
from reviewqueue.kernel.json_pointer import format_pointer

MAX_FIELDS = 500  # answers with more are judged as a whole only
_MAX_LEVELS = 16  # an object below that is one field

type FieldPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerField:
    """One field: where it is in an answer, as a JSON Pointer and as the steps of its path, and its form."""

    pointer: str
    path: FieldPath
    shape: FieldShape


def list_fields(root: SchemaRules) -> tuple[AnswerField, ...]:
    """The fields of answers with this schema, in its order; none if there are more than `MAX_FIELDS`."""
    found = tuple(islice(_iterate_fields(root, root, ()), MAX_FIELDS + 1))
    return found if len(found) <= MAX_FIELDS else ()


def _iterate_fields(rules: Any, root: SchemaRules, path: FieldPath) -> Iterator[AnswerField]:
    shape = json_schema.parse_shape(rules, root)
    if shape.kind == "group" and shape.properties and len(path) < _MAX_LEVELS:
        for name, part in shape.properties.items():
            yield from _iterate_fields(part, root, (*path, name))
    elif path:
        yield AnswerField(format_pointer(path), path, shape)


def find_value(answer: Any, path: FieldPath) -> Any:
    """The value of a field; None if the answer leaves it out."""
    for step in path:
        if not isinstance(answer, Mapping) or step not in answer:
            return None
        answer = answer[step]
    return answer
