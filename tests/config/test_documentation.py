"""The OpenAPI document and the page that shows it; `tests/helpers/api_contract.py` holds answers against it."""

from __future__ import annotations

import re
from enum import StrEnum
from unittest.mock import patch

from django.conf import settings
from django.db.models import TextChoices
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from config.openapi import METHODS, build_document
from escalation.api import documents
from escalation.api import urls as escalation_urls
from escalation.models import Decision, Output, Route
from reviewqueue.api import documents as review_documents
from reviewqueue.api import urls as review_urls
from reviewqueue.http.operations import find_operation
from reviewqueue.models import Verdict
from tests.helpers.api_contract import ANSWERS, ApiContract, escape_step


def test_the_docs_page_works_under_the_strict_csp(client: Client) -> None:
    response = client.get("/api/docs/")
    html = response.content.decode()

    assert response.status_code == 200
    assert "unsafe" not in response["Content-Security-Policy"]
    assert not re.search(r"<style|style=|<script(?![^>]*src=)|https?://", html)


def test_the_schema_is_built_once_and_sent_only_when_it_changed(client: Client) -> None:
    first = client.get("/api/v1/schema")
    with patch.object(SchemaGenerator, "get_schema", side_effect=AssertionError("built again")):
        again = client.get("/api/v1/schema", headers={"If-None-Match": first["ETag"]})
        assert client.get("/api/v1/schema").content == first.content

    assert (again.status_code, again.content) == (304, b"")
    assert client.post("/api/v1/schema")["Content-Type"] == "application/problem+json"


def test_the_docs_page_script_is_our_own_file(client: Client) -> None:
    response = client.get("/api/docs/?script=")

    assert response["Content-Type"].startswith("application/javascript")
    assert "/api/v1/schema" in response.content.decode()


def test_every_operation_requires_a_key_and_documents_errors(client: Client) -> None:
    schema = client.get("/api/v1/schema").json()

    assert schema["openapi"].startswith("3.1")
    assert schema["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    operations = [operation for path in schema["paths"].values() for operation in path.values()]
    assert operations
    for operation in operations:
        assert operation["security"] == [{"key": []}]
        assert any(f"needs the scope `{scope}`" in operation["description"] for scope in settings.API_SCOPES)
        for status in ("400", "401", "403", "404", "429", "500", "503"):
            assert "application/problem+json" in operation["responses"][status]["content"]


def test_every_example_is_valid() -> None:
    contract = ApiContract(build_document())
    checked = 0
    for path, item in contract.document["paths"].items():
        for method, operation in item.items():
            bodies = {"requestBody": operation.get("requestBody", {})}
            bodies |= {f"responses/{status}": answer for status, answer in operation["responses"].items()}
            for place, body in bodies.items():
                for media_type, content in body.get("content", {}).items():
                    steps = f"{escape_step(path)}/{method}/{place}/content/{escape_step(media_type)}/schema"
                    for example in content.get("examples", {}).values():
                        contract.check_value(ANSWERS, f"/paths/{steps}", example["value"])
                        checked += 1
    assert checked >= 15


def test_documented_values_are_those_of_the_models() -> None:
    pairs: list[tuple[type[StrEnum], type[TextChoices], set[str]]] = [
        (documents.OutputStatusDocument, Output.State, set()),
        (documents.LabelStatus, Output.State, {"received"}),
        (documents.OutputRoute, Route.Kind, set()),
        (documents.DecisionOutcome, Decision.Outcome, set()),
        (documents.DecidedBy, Decision.By, set()),
        (review_documents.VerdictKind, Verdict.Kind, set()),
    ]
    for documented, model, left_out in pairs:
        assert {one.value for one in documented} == set(model.values) - left_out, documented
    assert {one.value for one in review_documents.SubmittedKind} == {"answer", *Verdict.Kind.values}


def test_posting_outputs_comes_first_and_names_make_methods() -> None:
    document = build_document()
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    assert operations[0]["operationId"] == "post_outputs"
    assert [tag["name"] for tag in document["tags"]] == list(dict.fromkeys(one["tags"][0] for one in operations))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", one["operationId"]) for one in operations)
    assert all(one["summary"] and one["description"] for one in operations)


def test_every_route_of_the_api_is_documented() -> None:
    declared = {(path, method) for path, item in build_document()["paths"].items() for method in item}
    for pattern in [*escalation_urls.urlpatterns, *review_urls.urlpatterns]:
        view = pattern.callback.view_class  # type: ignore[attr-defined]  # DRF's views have their class
        for method in set(METHODS) & {name for name in dir(view) if name in view.http_method_names}:
            assert find_operation(view, method), (pattern, method)
    assert len(declared) == 11
