"""Holds every exchange of the test client with the API against the published OpenAPI document.

Stricter than the document in one thing: an answer must not have a property that is not documented.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from django.http import HttpResponse, StreamingHttpResponse
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

API_ROOT = "/api/v1/"
UNDOCUMENTED = {"/api/v1/schema"}
PROBLEM = "application/problem+json"
REQUESTS, ANSWERS = "urn:requests", "urn:answers"

_formats = FormatChecker(formats=())


@_formats.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@_formats.checks("date", raises=ValueError)
def _is_day(value: object) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))


class ContractBroken(AssertionError):
    """An answer, or a request that was accepted, is not what the document says."""


class ApiContract:
    """The document, and the checks of a request and its answer."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        closed = copy.deepcopy(document)
        _close_objects(closed["components"]["schemas"])
        self._registry: Registry[Any] = Registry().with_resources(
            (name, DRAFT202012.create_resource(contents))
            for name, contents in ((REQUESTS, document), (ANSWERS, closed))
        )

    def check_exchange(
        self, method: str, path: str, query: str, body: bytes, content_type: str, response: HttpResponse
    ) -> None:
        """Raise ContractBroken if the answer is undocumented, or the request is and was accepted."""
        template, item = self._find_path(path)
        if template is None or path in UNDOCUMENTED:
            self._require(
                path in UNDOCUMENTED or response.status_code in {400, 404}, "an address that is not documented"
            )
            return
        operation = item.get(method.lower())
        if operation is None:
            self._require(response.status_code in {400, 401, 405, 429}, f"{method} is not documented, but answered")
            return
        where = f"/paths/{escape_step(template)}/{method.lower()}"
        self._check_answer(where, operation, response)
        if response.status_code < 300:
            self._check_request(where, operation, query, body, content_type.partition(";")[0].strip())

    def _check_answer(self, where: str, operation: dict[str, Any], response: HttpResponse) -> None:
        status = str(response.status_code)
        documented = operation["responses"].get(status) or operation["responses"].get("default")
        self._require(documented is not None, f"{status} is not documented for {operation['operationId']}")
        content, given = documented.get("content", {}), response.get("Content-Type", "")
        if not content:
            self._require(not response.content, f"{status} of {operation['operationId']} has a body")
            return
        self._require(given in content, f"{status} of {operation['operationId']} is {given!r}, not {list(content)}")
        at = f"{where}/responses/{status}/content/{escape_step(given)}"
        for name in documented.get("headers", {}) if given == PROBLEM else ():
            self._require(name in response, f"{status} of {operation['operationId']} has no {name}")
        if isinstance(response, StreamingHttpResponse):
            lines: Any = response.streaming_content
            response.streaming_content = self._check_lines(f"{at}/x-item-schema", lines, response)
        else:
            self.check_value(ANSWERS, f"{at}/schema", json.loads(response.content))

    def _check_lines(self, where: str, pages: Iterable[bytes], response: HttpResponse) -> Iterator[bytes]:
        for page in pages:
            if "Content-Encoding" not in response:
                for line in page.splitlines():
                    self.check_value(ANSWERS, where, json.loads(line))
            yield page

    def _check_request(self, where: str, operation: dict[str, Any], query: str, body: bytes, content_type: str) -> None:
        parameters = {one["name"]: (number, one) for number, one in enumerate(operation["parameters"])}
        for name, values in parse_qs(query, keep_blank_values=True).items():
            self._require(name in parameters, f"{operation['operationId']} took the undocumented parameter {name!r}")
            number, one = parameters[name]
            numeric = one["schema"].get("type") in {"integer", "number"}
            value = json.loads(values[0]) if numeric else values[0]
            self.check_value(REQUESTS, f"{where}/parameters/{number}/schema", value)
        documented = operation.get("requestBody", {}).get("content", {})
        if "json" in content_type and not content_type.endswith(("ndjson", "jsonl")) and body:
            self._require(content_type in documented, f"{operation['operationId']} took an undocumented {content_type}")
            value = json.loads(body.decode("utf-8-sig"))
            if isinstance(value, list):  # of a batch, each element has a result of its own
                self._require(0 < len(value) <= 1000, "a batch of an undocumented length")
            else:
                self.check_value(REQUESTS, f"{where}/requestBody/content/{escape_step(content_type)}/schema", value)

    def check_value(self, base: str, where: str, value: Any) -> None:
        validator = Draft202012Validator({"$ref": f"{base}#{where}"}, registry=self._registry, format_checker=_formats)
        failures = sorted(validator.iter_errors(value), key=lambda failure: len(failure.absolute_path))
        if failures:
            said = "\n".join(f"{failure.json_path}: {_explain(failure)}" for failure in failures[:5])
            raise ContractBroken(f"not as documented at {where}\n{said[:3000]}\n{json.dumps(value)[:1500]}")

    def _find_path(self, path: str) -> tuple[str | None, dict[str, Any]]:
        for pattern, template in self._patterns:
            if pattern.fullmatch(path):
                return template, self.document["paths"][template]
        return None, {}

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str]]:
        """The templates as patterns; an id may contain slashes, and longer templates come first."""
        templates = sorted(self.document["paths"], key=lambda template: -template.count("/"))
        return [(_template_pattern(template), template) for template in templates]

    @staticmethod
    def _require(holds: bool, complaint: str) -> None:
        if not holds:
            raise ContractBroken(complaint)


def _template_pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"{(\w+)}", template)
    names = ["(?s:.+)" if name == "external_id" else "[^/]+" for name in parts[1::2]]
    texts = [re.escape(text) for text in parts[::2]]
    return re.compile("".join(text + name for text, name in zip(texts, [*names, ""], strict=True)))


def _close_objects(schema: Any) -> None:
    """Forbid properties that are not listed wherever some are."""
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            _close_objects(part)
    elif isinstance(schema, list):
        for part in schema:
            _close_objects(part)


def _explain(failure: Any) -> str:
    """The message, and for a choice what each of its branches complains about."""
    inner = "; ".join(f"{one.json_path}: {one.message}" for one in failure.context or ())
    return f"{failure.message[:300]} ({inner[:1500]})" if inner else str(failure.message[:300])


def escape_step(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
