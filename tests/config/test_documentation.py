"""The OpenAPI schema and the API docs page."""

from __future__ import annotations

import re
from unittest.mock import patch

from django.test import Client
from drf_spectacular.generators import SchemaGenerator


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
        assert {"key": []} in operation["security"]
        assert "application/problem+json" in operation["responses"]["default"]["content"]
