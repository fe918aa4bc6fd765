"""What can go wrong, for every layer: a stable code for machines and a sentence for people."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any


class DomainError(Exception):
    """Something that was asked for cannot be done. The message is a sentence its reader can act on."""

    code = "refused"
    status = 409


class NotFound(DomainError):
    """It does not exist, or not for this caller."""

    code = "not_found"
    status = 404


class Invalid(DomainError):
    """What was sent makes no sense; `errors` points at the places (`{"pointer", "detail"}`)."""

    code = "invalid"
    status = 400

    def __init__(self, message: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(message)
        self.errors = errors or []


class Problem(Exception):
    """A refusal with its status and stable code; `errors` are `{"pointer", "detail"}`."""

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
        """What is sent; also the shape of one element's refusal inside a batch."""
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
