"""The OpenAPI schema and the API docs page."""

from __future__ import annotations

import re

from django.test import Client


def test_the_docs_page_works_under_the_strict_csp(client: Client) -> None:
    response = client.get("/api/docs/")
    html = response.content.decode()

    assert response.status_code == 200
    assert "unsafe" not in response["Content-Security-Policy"]
    assert not re.search(r"<style|style=|<script(?![^>]*src=)|https?://", html)


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
        for status in ("400", "401", "403", "404", "429", "500", "503"):
            assert "application/problem+json" in operation["responses"][status]["content"]
