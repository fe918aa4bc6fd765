"""Errors shared by every layer: a stable code for machines and a sentence for people."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any


class DomainError(Exception):
    """A request that cannot be carried out. The message is a sentence that its reader can act on."""

    code = "refused"
    status = 409


class NotFound(DomainError):
    """The object does not exist, or this caller may not know that it does."""

    code = "not_found"
    status = 404


class Invalid(DomainError):
    """Invalid input; `errors` lists what is wrong and where (`{"pointer", "detail"}`)."""

    code = "invalid"
    status = 400

    def __init__(self, message: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(message)
        self.errors = errors or []


class Problem(Exception):
    """An HTTP error with its status and stable code; `errors` are `{"pointer", "detail"}`."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        *,
        title: str = "",
        errors: list[dict[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or code)
        self.status = status
        self.code = code
        self.title = title or HTTPStatus(status).phrase
        self.detail = detail
        self.errors = errors or []
        self.headers = dict(headers or {})

    def document(self) -> dict[str, Any]:
        """The response body; also the shape of one element's error inside a batch."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "code": self.code,
        }
        if self.detail:
            document["detail"] = self.detail
        if self.errors:
            document["errors"] = self.errors
        return document
