"""Declares an API operation beside the view method that carries it out; `config.openapi` publishes them.

Bodies are msgspec types, so the published schema is derived from what is decoded, and the tests hold every answer
against it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

JSON, NDJSON, PROBLEM = "application/json", "application/x-ndjson", "application/problem+json"

type BodyType = type[msgspec.Struct]


@dataclass(frozen=True, slots=True)
class ApiBody:
    """A request or response body: one of these types, all of them objects.

    lines: a text of one such object per line. listed: one such object, or an array of at most so many.
    """

    types: tuple[BodyType, ...]
    lines: bool = False
    listed: int = 0


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """A successful answer.

    headers: those it may carry, with what they say. links: operations that it leads to, each with its parameters as
    runtime expressions of OpenAPI.
    """

    description: str
    body: ApiBody | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    examples: Mapping[str, Any] = field(default_factory=dict)
    links: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ApiOperation:
    """What one method of one address takes and answers.

    name: the operation id, of which clients make a method's name. scope: what the API key needs. bodies: by media type.
    problems: status -> codes, beyond those that every operation can answer with.
    """

    name: str
    tag: str
    summary: str
    scope: str
    answers: Mapping[int, ApiAnswer]
    description: str = ""
    query: BodyType | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    bodies: Mapping[str, ApiBody] = field(default_factory=dict)
    examples: Mapping[str, Any] = field(default_factory=dict)
    problems: Mapping[int, str] = field(default_factory=dict)


def documented[F: Callable[..., Any]](operation: ApiOperation) -> Callable[[F], F]:
    """Mark a view's method as this operation."""

    def mark(method: F) -> F:
        method.operation = operation  # type: ignore[attr-defined]  # found again by `find_operation`
        return method

    return mark


def find_operation(view: type, method: str) -> ApiOperation | None:
    found: ApiOperation | None = getattr(getattr(view, method.lower(), None), "operation", None)
    return found


def describe_body(*types: BodyType, lines: bool = False, listed: int = 0) -> ApiBody:
    return ApiBody(types, lines=lines, listed=listed)
