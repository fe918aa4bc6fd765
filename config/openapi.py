"""The OpenAPI document, built from the operations that the API's views declare."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from drf_spectacular.generators import SchemaGenerator

from config import openapi_texts as texts
from escalation.api import urls as escalation_urls
from escalation.api.documents import ProblemDocument
from reviewqueue.api import urls as review_urls
from reviewqueue.http import PROBLEM, ApiAnswer, ApiBody, ApiOperation
from reviewqueue.http.operations import find_operation

API_ROOT = "/api/v1/"
METHODS = ("get", "post", "put", "patch", "delete")
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_REFERENCE = "#/components/schemas/{name}"


class DocumentGenerator(SchemaGenerator):
    """Gives drf-spectacular's views and its command our document."""

    def get_schema(self, request: Any = None, public: bool = False) -> dict[str, Any]:
        return copy.deepcopy(build_document())


@cache
def build_document() -> dict[str, Any]:
    """The OpenAPI 3.1 document; the same for every reader, so it is built once per process."""
    found = list(_list_operations())
    paths: dict[str, dict[str, Any]] = {}
    for path, method, operation in found:
        paths.setdefault(path, {})[method] = _describe_operation(path, operation)
    return {
        "openapi": "3.1.1",
        "info": texts.INFO,
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in texts.TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": _build_schemas([operation for _, _, operation in found]),
            "securitySchemes": {"key": texts.SECURITY_SCHEME},
        },
    }


def _list_operations() -> Iterator[tuple[str, str, ApiOperation]]:
    """Path template, method and declaration of every operation, in the order of the URLs."""
    for pattern in [*escalation_urls.urlpatterns, *review_urls.urlpatterns]:
        path = API_ROOT + _PARAMETER.sub(r"{\1}", str(pattern.pattern))
        view = pattern.callback.view_class  # type: ignore[attr-defined]  # DRF's views have their class
        for method in METHODS:
            if operation := find_operation(view, method):
                yield path, method, operation


def _describe_operation(path: str, operation: ApiOperation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": f"{operation.description}\n\nThe API key needs the scope `{operation.scope}`.".strip(),
        "parameters": list(_list_parameters(path, operation)),
        "responses": {str(status): _describe_answer(answer) for status, answer in operation.answers.items()},
        "security": [{"key": []}],
    }
    if operation.bodies:
        described["requestBody"] = {
            "required": True,
            "content": {
                media_type: _describe_content(body, operation.examples if not body.lines else {})
                for media_type, body in operation.bodies.items()
            },
        }
    described["responses"] |= {str(status): answer for status, answer in sorted(_list_problems(operation))}
    return described


def _list_parameters(path: str, operation: ApiOperation) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", path):
        yield {"name": name, "in": "path", "required": True, **texts.PATH_PARAMETERS[name]}
    if operation.query is not None:
        for name, described in _list_properties(operation.query).items():
            text = described.pop("description", "")
            yield {"name": name, "in": "query", "required": False, "description": text, "schema": described}
    for name, text in operation.headers.items():
        yield {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}


def _describe_answer(answer: ApiAnswer) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.description}
    if answer.headers:
        described["headers"] = {name: _describe_header(text) for name, text in answer.headers.items()}
    if answer.body is not None:
        media_type = "application/x-ndjson" if answer.body.lines else "application/json"
        described["content"] = {media_type: _describe_content(answer.body, answer.examples)}
    if answer.links:
        described["links"] = {
            name: {"operationId": name, "parameters": dict(values)} for name, values in answer.links.items()
        }
    return described


def _describe_content(body: ApiBody, examples: Mapping[str, Any]) -> dict[str, Any]:
    references = [{"$ref": _refer_to(one)} for one in body.types]
    if body.lines:
        # OpenAPI 3.1 cannot type the lines of a text; 3.2 does it by `itemSchema`.
        return {"schema": {"type": "string"}, "x-item-schema": references[0]}
    schemas: list[dict[str, Any]] = [*references]
    if body.listed:
        schemas.append({"type": "array", "items": references[0], "minItems": 1, "maxItems": body.listed})
    described: dict[str, Any] = {"schema": schemas[0] if len(schemas) == 1 else {"oneOf": schemas}}
    if examples:
        described["examples"] = {
            re.sub(r"\W+", "-", name): {"summary": name, "value": value} for name, value in examples.items()
        }
    return described


def _list_problems(operation: ApiOperation) -> Iterator[tuple[int, dict[str, Any]]]:
    common = {**texts.COMMON_PROBLEMS, **(texts.BODY_PROBLEMS if operation.bodies else {})}
    for status, text in {**common, **operation.problems}.items():
        described: dict[str, Any] = {
            "description": text[:1].upper() + text[1:] if not text.startswith("`") else text,
            "content": {PROBLEM: {"schema": {"$ref": _refer_to(ProblemDocument)}}},
        }
        if headers := texts.PROBLEM_HEADERS.get(status):
            described["headers"] = {name: _describe_header(line) for name, line in headers.items()}
        yield status, described


def _describe_header(text: str) -> dict[str, Any]:
    return {"description": text, "schema": {"type": "string"}}


def _build_schemas(operations: Sequence[ApiOperation]) -> dict[str, Any]:
    types: dict[type, None] = {ProblemDocument: None}
    for operation in operations:
        bodies = [*operation.bodies.values(), *(one.body for one in operation.answers.values() if one.body)]
        types |= dict.fromkeys(kind for body in bodies for kind in body.types)
    types |= dict.fromkeys(texts.REFERENCED_TYPES)
    queries = [operation.query for operation in operations if operation.query]
    _, components = msgspec.json.schema_components([*types, *queries], ref_template=_REFERENCE)
    published = sorted(components.keys() - {query.__name__ for query in queries}, key=_publish_name)
    schemas = {_publish_name(name): _tidy(components[name]) for name in published}
    texts.complete_output_schema(schemas["PostedOutput"])
    texts.complete_verdict_schema(schemas["VerdictRequest"])
    return schemas


def _list_properties(form: type) -> dict[str, Any]:
    _, components = msgspec.json.schema_components([form], ref_template=_REFERENCE)
    properties: dict[str, Any] = _tidy(components[form.__name__]["properties"])
    return properties


def _publish_name(name: str) -> str:
    """What the document calls a type, whose class name is unique: `ClaimDocument` is published as `Claim`."""
    return name.removesuffix("Document")


def _refer_to(kind: type) -> str:
    return _REFERENCE.format(name=_publish_name(kind.__name__))


def _tidy(schema: Any) -> Any:
    r"""In the dialect of JSON Schema: `$` is the end of a text there, and there is no `\Z`."""
    if isinstance(schema, dict):
        tidied = {name: _tidy(part) for name, part in schema.items() if not (name == "default" and part is None)}
        for name in ("$ref", "title"):
            if isinstance(tidied.get(name), str):
                tidied[name] = _publish_name(tidied[name])
        if "pattern" in tidied and isinstance(tidied["pattern"], str):
            tidied["pattern"] = tidied["pattern"].replace(r"\Z", "$")
        if "enum" in tidied:
            tidied = {"type": "string", **tidied}
        if tidied.get("type") == "object" and "properties" not in tidied:
            tidied.setdefault("additionalProperties", True)  # the default, which some generators take for "none"
        return tidied
    return [_tidy(part) for part in schema] if isinstance(schema, list) else schema
